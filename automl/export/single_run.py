"""One recipe trained without a search. A trial's own recipe file repeats that trial exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.data.sizing import FITS, LARGEST_SIDE, SMALLEST_SIDE, Fit, Sizing
from automl.errors import RecipeError
from automl.export.card import MemberCard, ModelCard, Provenance, validation_metrics
from automl.export.description import write_description
from automl.export.export_result import ExportResult
from automl.export.formats import check_format
from automl.export.model_file import build_networks
from automl.export.prediction.model import Model
from automl.export.test_evaluation import evaluate
from automl.export.trial_model import load_evaluation_data, metrics_of, with_test_metrics
from automl.export.writing import samples, write_model
from automl.metrics import METRICS, EpochResult
from automl.models.building import resolve_builder
from automl.recipe import FIELDS, Recipe, unknown_field
from automl.spaces.yaml_with_lines import Document, read_yaml_file
from automl.training.device import choose_device, choose_precision, describe
from automl.training.evaluation.calibration import calibrated_figures
from automl.training.loop import Training
from automl.training.threads import measure_steps, thread_candidates

RUN_KEYS: Mapping[str, Callable[[object], bool]] = {
    "metric": lambda value: isinstance(value, str) and value in METRICS,
    "split_seed": lambda value: type(value) is int and value >= 0,
    "threads": lambda value: type(value) is int and value >= 1,
    "model": lambda value: isinstance(value, str),
    "image_size": lambda value: type(value) is int and SMALLEST_SIDE <= value <= LARGEST_SIDE,
    "fit": lambda value: isinstance(value, str) and value in FITS,
}


@dataclass(frozen=True, kw_only=True)
class RecipeFile:
    """The content of `automl show TRIAL --recipe`: a recipe, and what else its metrics depend on."""

    recipe: Recipe
    metric: str = "accuracy"
    """Metric that chooses the epoch whose weights are kept."""
    split_seed: int = 0
    threads: int | None = None
    """Number of CPU threads: sums in another order have other last bits. None: the fastest by a few steps."""
    model: str | None = None
    """Builder of a network of the user's own, `package.module:build`."""
    image_size: int | None = None
    fit: Fit = "crop"

    @property
    def sizing(self) -> Sizing:
        """Size of the images, and how they are brought to it."""
        return Sizing(self.image_size, self.fit)


@dataclass(frozen=True)
class SingleRun:
    """A finished training."""

    metric: str
    value: float
    """Metric at the best epoch."""
    best: EpochResult
    epochs: tuple[EpochResult, ...]
    exported: ExportResult | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "metric": self.metric,
            "value": self.value,
            "best": asdict(self.best),
            "epochs": [asdict(result) for result in self.epochs],
            "export": self.exported.as_dict() if self.exported else None,
        }


def read_recipe_file(path: Path) -> RecipeFile:
    """Read a recipe file.

    Raises: RecipeError if it cannot be read; SpaceError naming every mistake in it with its line.
    """
    try:
        document = read_yaml_file(path)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path} cannot be read: {error}. Write one with: automl show best --recipe > recipe.yaml"
        ) from error
    fields = dict(document.data) if isinstance(document.data, dict) else {}
    if not fields:
        document.add("there are no fields of a recipe, such as `depth: 3`")
    run = fields.pop("run", {})
    _check_run(document, run)
    for name, value in fields.items():
        problem = FIELDS[name].problem(value) if name in FIELDS else unknown_field(name)
        if problem:
            document.add(problem, at=(name,))
    document.check()
    return RecipeFile(recipe=Recipe.from_mapping(fields), **run)


def _check_run(document: Document, run: object) -> None:
    if not isinstance(run, dict):
        document.add("run: takes " + ", ".join(RUN_KEYS), at=("run",))
        return
    for key, value in run.items():
        if key not in RUN_KEYS:
            document.add(f"run: unknown key {key!r}; known: {', '.join(RUN_KEYS)}", at=("run", key))
        elif not RUN_KEYS[key](value):
            document.add(f"run: {key} cannot be {value!r}", at=("run", key))


def train_recipe(
    file: RecipeFile,
    reference: str,
    *,
    home: Path,
    export: Path | None,
    device: str,
    model: str | None,
    log: Callable[[str], None],
) -> SingleRun:
    """Train all epochs, one line each, and export the best epoch's model if asked to.

    Raises: AutomlError for data, a network or a device that cannot be used; DivergedError if the loss is not finite.
    """
    builder = model or file.model
    if file.threads is not None:
        torch.set_num_threads(file.threads)
    data = load_data_set(
        reference, home=home, splits=("train", "validation"), split_seed=file.split_seed, sizing=file.sizing
    )
    chosen = choose_device(device)
    training = Training(
        file.recipe,
        data,
        metric=METRICS[file.metric],
        device=chosen,
        build=resolve_builder(builder),
    )
    if file.threads is None:
        measure_steps(training, thread_candidates(chosen, share=torch.get_num_threads(), alone=True))
    log(describe(chosen, choose_precision(chosen, data.image_shape)))
    epochs = []
    for result in training.epochs():
        epochs.append(result)
        log(_line(result, file.recipe.epochs))
    exported = None
    if export is not None:
        exported = _export(training, data, file, builder, export, home=home)
    return SingleRun(file.metric, training.best_value, epochs[training.best_epoch], tuple(epochs), exported)


def _line(result: EpochResult, epochs: int) -> str:
    return (
        f"epoch {result.epoch + 1:>3}/{epochs}: loss {result.train_loss:.4f}, accuracy {result.train_accuracy:.4f}; "
        f"validation loss {result.validation_loss:.4f}, accuracy {result.validation_accuracy:.4f} "
        f"({result.seconds:.1f} s)"
    )


def _export(
    training: Training,
    data: DataSet,
    file: RecipeFile,
    builder: str | None,
    path: Path,
    *,
    home: Path,
) -> ExportResult:
    check_format(path)
    predictions = training.predictions()
    plain, tta = (calibrated_figures(predictions, tta=tta) for tta in (False, True))
    card = ModelCard(
        members=(MemberCard(recipe=file.recipe, normalization=training.normalization),),
        temperature=plain.calibration.temperature,
        tta_temperature=tta.calibration.temperature,
        classes=data.class_names,
        image_shape=data.image_shape,
        sizing=data.sizing,
        pixel_range=data.pixel_range,
        metrics=validation_metrics(plain),
        provenance=Provenance(
            data=data.reference,
            fingerprint=data.fingerprint,
            split_seed=file.split_seed,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            builder=builder,
        ),
    )
    (network,) = build_networks(card)
    network.load_state_dict(training.best_weights, assign=True)
    model = Model([network], card, training.device)
    complete = load_evaluation_data(card, data.reference, home=home)
    tested = evaluate(model, complete, "test")
    model.card = with_test_metrics(card, metrics_of(tested))
    comparison = write_model(path, model, samples(data.splits["validation"], card))
    found = ("One recipe, trained without a search.",)
    return ExportResult(
        path=path,
        test=metrics_of(tested),
        warnings=(),
        comparison=comparison,
        card=write_description(path, model.card, complete, tested, found=found),
    )
