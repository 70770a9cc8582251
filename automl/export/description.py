"""The model card for people, `model.md` beside `model.pt`: data, figures, limits, and how the model was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from automl.data.dataset import DataSet
from automl.data.pixel_range import GRAYS
from automl.errors import ModelFileError
from automl.export.card import ModelCard
from automl.export.formats import card_path
from automl.export.test_evaluation import SplitEvaluation
from automl.own_files import CARD_LINE, refuse_foreign
from automl.recipe import in_words
from automl.sanitize import escaped, one_line

FEW_IMAGES = 30


def write_description(
    model: Path, card: ModelCard, data: DataSet | None, tested: SplitEvaluation | None, *, found: Sequence[str]
) -> Path:
    """Write the card; `found`: sentences on how the model was found.

    Raises: ModelFileError if it cannot be written; SettingsError if another file is there.
    """
    path = card_path(model)
    refuse_foreign(path, option="--export")
    sections = (
        _head(model, card),
        _data(card, data),
        _figures(card, tested),
        _limits(card, tested),
        _found(card, found),
    )
    try:
        path.write_text("\n\n".join((CARD_LINE, *sections)) + "\n", "utf-8", "backslashreplace")
    except OSError as error:
        raise ModelFileError(
            f"Cannot write {path}: {error.strerror or error}. Free some space there, or choose another place."
        ) from error
    return path


def _head(model: Path, card: ModelCard) -> str:
    channels, height, width = card.image_shape
    colour = "colour" if channels == 3 else "gray"
    origin = card.provenance
    return (
        f"# {escaped(model.name)}\n\nPuts {colour} images of {width} × {height} pixels into one of {len(card.classes)} "
        f"classes. Made by automl {origin.automl_version} with torch {origin.torch_version} on {origin.created_at}."
    )


def _data(card: ModelCard, data: DataSet | None) -> str:
    origin = card.provenance
    lines = [
        "## Data\n",
        f"`{one_line(origin.data)}`, fingerprint {origin.fingerprint[:12]}. "
        f"Splits that the data did not give were cut with seed {origin.split_seed}.",
    ]
    if data is None:
        return "\n".join([*lines, "\nThe data were not at hand, so the balance of the classes is unknown."])
    names = tuple(data.splits)
    counts = {name: data.class_counts(name) for name in names}
    rows = [
        (escaped(label), *(f"{counts[name][index]:,} ({_share(counts[name], index)})" for name in names))
        for index, label in enumerate(data.class_names)
    ]
    rows.append(("all", *(f"{counts[name].sum():,}" for name in names)))
    return "\n".join([*lines, "", *_table(("class", *names), rows), "", _balance(data)])


def _balance(data: DataSet) -> str:
    counts_K = data.class_counts("train")
    most, least = int(counts_K.argmax()), int(counts_K.argmin())
    return (
        f"In training, {escaped(data.class_names[most])} has {counts_K[most] / max(counts_K[least], 1):.1f} times the "
        f"images of {escaped(data.class_names[least])}."
    )


def _figures(card: ModelCard, tested: SplitEvaluation | None) -> str:
    names = ("accuracy", "macro_f1", "balanced_accuracy", "loss", "calibration_error")
    rows = [
        (
            name.replace("_", " "),
            *(
                f"{card.metrics[key]:.4f}" if (key := f"{split}_{name}") in card.metrics else "–"
                for split in ("validation", "test")
            ),
        )
        for name in names
    ]
    lines = ["## Figures\n", *_table(("", "validation", "test"), rows)]
    if tested is None:
        return "\n".join([*lines, "", "It was not tested: the data were not at hand."])
    low, high = tested.accuracy_interval
    by_class = [
        (escaped(one.name), f"{one.precision:.3f}", f"{one.recall:.3f}", f"{one.f1:.3f}", f"{one.support:,}")
        for one in tested.classes
    ]
    return "\n".join(
        [
            *lines,
            "",
            f"The 95 % interval of the test accuracy, by its {tested.n:,} images alone, is {low:.3f} to {high:.3f}.",
            "",
            *_table(("class, on test", "precision", "recall", "F1", "images"), by_class),
        ]
    )


def _limits(card: ModelCard, tested: SplitEvaluation | None) -> str:
    channels, height, width = card.image_shape
    lines = [
        "It names one of its classes for any image, of other things too, and may be sure of it.",
        f"Images are converted to {width} × {height} pixels ({card.sizing.fit}) and {channels} "
        f"{'channels' if channels > 1 else 'channel'}; what that loses, it does not see.",
        *_depth(card),
        "The figures hold for images like those it was tested on; from other cameras, places or times they may not.",
        "The validation figures chose the weights, and in a search the recipe: the test figures are the fair ones.",
    ]
    if tested is not None:
        lines += _weak_classes(tested)
    if card.provenance.builder is not None:
        lines.append(f"It needs the code of {card.provenance.builder}, which is not in a .pt.")
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _depth(card: ModelCard) -> Iterable[str]:
    """How images of more than 8 bits are read, where the training images have them."""
    if card.pixel_range is not None:
        yield (
            f"Of images of more than 8 bits, the values from {card.pixel_range.in_words()} become {GRAYS} grays in "
            "equal steps, as in the training; what is outside is black or white. Images of 8 bits stay as they are."
        )


def _weak_classes(tested: SplitEvaluation) -> Iterable[str]:
    seen = [index for index, one in enumerate(tested.classes) if one.support]
    worst = min(seen, key=lambda index: tested.classes[index].recall)
    figures, row_K = tested.classes[worst], tested.confusion_KK[worst].copy()
    row_K[worst] = 0
    taken = f", and most often takes it for {escaped(tested.class_names[int(row_K.argmax())])}" if row_K.any() else ""
    yield f"It finds {escaped(figures.name)} least often, {figures.recall:.0%} of {figures.support:,} images{taken}."
    few = [escaped(one.name) for one in tested.classes if one.support < FEW_IMAGES]
    if few:
        yield f"Fewer than {FEW_IMAGES} test images, so uncertain figures: {', '.join(few)}."


def _found(card: ModelCard, found: Sequence[str]) -> str:
    temperature = card.tta_temperature if card.tta else card.temperature
    lines = [*found, f"Its logits are divided by {temperature:.3f}, a temperature fitted to the validation split."]
    if card.tta:
        lines.append("Each image is averaged with its mirror image.")
    if len(card.members) > 1:
        lines.append(
            "The ensemble averages the probabilities of these members, chosen greedily on the validation split:"
        )
    rows = [
        (
            "–" if member.trial is None else escaped(f"{member.trial} of {member.study}"),
            f"{member.share:.0%}",
            escaped(in_words(member.recipe, model=card.provenance.builder)),
        )
        for member in card.members
    ]
    return "\n".join(["## How it was found\n", " ".join(lines), "", *_table(("trial", "share", "recipe"), rows)])


def _share(counts_K: np.ndarray[tuple[int], np.dtype[np.int64]], index: int) -> str:
    return f"{counts_K[index] / max(counts_K.sum(), 1):.1%}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]
