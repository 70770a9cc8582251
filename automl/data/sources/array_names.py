"""What the arrays of a file are for, by their names: ours, MedMNIST's and Keras'."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from automl.data.labels import SPLIT_WORDS
from automl.data.split_names import SPLITS, SplitName
from automl.errors import DataError

IMAGES = frozenset(("images", "image", "imgs", "x", "data"))
LABELS = frozenset(("labels", "label", "y", "target", "targets"))
SPLIT = "split"
LISTED = 10
"""Arrays that a message names."""


@dataclass(frozen=True)
class Part:
    """Images and their labels, all of one split, or of splits that an array of words gives."""

    images: str
    labels: str
    split: SplitName | None
    """Split of the arrays; None where their names do not tell it."""


def find_parts(names: Collection[str], *, where: str) -> list[Part]:
    """Pair the arrays of images and of labels: `images` and `labels`, `train_images`, `x_train`; in SPLITS' order.

    Raises: DataError if one of a pair is missing, or two may be meant.
    """
    if {"images", "labels"} <= set(names):
        return [Part("images", "labels", None)]
    images, labels = _by_split(names, IMAGES, where), _by_split(names, LABELS, where)
    if not images or images.keys() != labels.keys() or (None in images and len(images) > 1):
        missing = next((_title(kind, split) for kind, split in _missing(images.keys(), labels.keys())), "images")
        more = ", …" if len(names) > LISTED else ""
        seen = ", ".join(sorted(names)[:LISTED]) or "none"
        raise DataError(f"{where} has no array {missing!r}. It has: {seen}{more}. {expected()}")
    order = [split for split in (None, *SPLITS) if split in images]
    return [Part(images[split], labels[split], split) for split in order]


def expected() -> str:
    """The form of the file, for messages."""
    return (
        "Expected: images, N × H × W or N × H × W × C with 1 or 3 channels; labels, N numbers or words; "
        "and if wanted split, N words (train, validation, test). "
        "Or train_images, train_labels, val_images, …, or x_train, y_train, x_test, …."
    )


def _by_split(names: Iterable[str], kind: frozenset[str], where: str) -> dict[SplitName | None, str]:
    found: dict[SplitName | None, str] = {}
    for name in sorted(names):
        is_of_kind, split = _meaning(name, kind)
        if not is_of_kind:
            continue
        if split in found:
            raise DataError(f"{where}: {found[split]!r} and {name!r} may be the same array. Leave one of them.")
        found[split] = name
    return found


def _meaning(name: str, kind: frozenset[str]) -> tuple[bool, SplitName | None]:
    words = re.split(r"[_\s.-]+", name.lower())
    if len(words) == 1:
        return words[0] in kind, None
    splits = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
    is_of_kind = len(words) == 2 and len(splits) == 1 and any(word in kind for word in words)
    return is_of_kind, splits[0] if splits else None


def _missing(
    images: Collection[SplitName | None], labels: Collection[SplitName | None]
) -> list[tuple[str, SplitName | None]]:
    without_labels = [("labels", split) for split in (None, *SPLITS) if split in images and split not in labels]
    return without_labels + [("images", split) for split in (None, *SPLITS) if split in labels and split not in images]


def _title(kind: str, split: SplitName | None) -> str:
    return kind if split is None else f"{split}_{kind}"
