"""Which images are for training, for validation and for the test: what the source gives, and what is cut from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.data.groups import cut_groups
from automl.data.split_names import SPLITS
from automl.errors import DataError

CUT_SHARE = 0.1
"""Share of the images in train for each split that is missing."""
LISTED = 5
"""Number of classes that a message names before it counts the others."""


@dataclass(frozen=True)
class Cut:
    """Splits after the missing ones were cut."""

    splits_N: npt.NDArray[np.int8]
    """Index of each image's split in SPLITS."""
    notes: tuple[str, ...]


def check_classes(
    labels_N: npt.NDArray[np.int64], splits_N: npt.NDArray[np.int8], class_names: Sequence[str], *, reference: str
) -> None:
    """Check that there is something to learn, and that every class can be learnt and measured.

    `reference`: the source, for messages.

    Raises: DataError that lists all classes that cannot.
    """
    counts_SK = _counts(labels_N, splits_N, len(class_names))
    if len(class_names) < 2:
        raise DataError(
            f"{reference}: Only one class, {class_names[0]!r}: a classifier needs at least two. "
            "Put the images of each class into a folder of its own."
        )
    given = [number for number in range(len(SPLITS)) if counts_SK[number].any()]
    if not counts_SK[0].any():
        names = _and(SPLITS[number] for number in given)
        raise DataError(f"{reference}: No images in train, only in {names}: add a train folder.")
    problems = [
        f"class {name!r} has images in {_and(SPLITS[number] for number in np.flatnonzero(counts_S))} only"
        if counts_S.any()
        else f"class {name!r} has no readable image"
        for name, counts_S in zip(class_names, counts_SK.T, strict=True)
        if counts_S[0] == 0 or (len(given) == len(SPLITS) and not counts_S[1:].any())
    ]
    if problems:
        raise DataError(
            f"{reference}: {_some(problems)}.\nAdd images of it to train and to another split, or leave the class out."
        )


def cut_missing(
    labels_N: npt.NDArray[np.int64],
    given_N: npt.NDArray[np.int8],
    class_names: Sequence[str],
    *,
    seed: int,
    reference: str,
    groups_N: npt.NDArray[np.int64] | None = None,
) -> Cut:
    """Cut the missing splits from train, stratified; every class keeps at least one image in train.

    A class gives 10 % of its images to each missing split, rounded, and at least one where it has enough. With groups
    it gives what comes nearest to 10 % without dividing a group; an empty array means that there are none.
    `reference`: the source, for messages.

    Raises: DataError if there is too little to cut.
    """
    missing = [number for number in range(1, len(SPLITS)) if not (given_N == number).any()]
    if not missing:
        return Cut(given_N, tuple(_absent_classes(labels_N, given_N, class_names, missing)))
    random = np.random.RandomState(seed)  # its numbers are frozen over all versions of numpy: splits never change
    if groups_N is None or len(groups_N) == 0:
        splits_N, unit = _cut_images(labels_N, given_N, missing, random), "images"
    else:
        splits_N, unit = cut_groups(labels_N, given_N, groups_N, missing, share=CUT_SHARE, random=random), "groups"
    if not all((splits_N == split).any() for split in missing):
        raise DataError(
            f"{reference}: Too few {unit} to cut {_and(SPLITS[split] for split in missing)} from train: "
            f"a class with at least {len(missing) + 1} {unit} is needed."
        )
    notes = [_cut_note(splits_N, missing, unit, seed), *_absent_classes(labels_N, splits_N, class_names, missing)]
    return Cut(splits_N, tuple(notes))


def _cut_images(
    labels_N: npt.NDArray[np.int64],
    given_N: npt.NDArray[np.int8],
    missing: Sequence[int],
    random: np.random.RandomState,
) -> npt.NDArray[np.int8]:
    splits_N = given_N.copy()
    for label in range(labels_N.max() + 1):
        rows = random.permutation(np.flatnonzero((labels_N == label) & (given_N == 0)))
        for split, taken in zip(missing, _shares(len(rows), len(missing)), strict=True):
            splits_N[rows[:taken]], rows = split, rows[taken:]
    return splits_N


def _shares(images: int, cuts: int) -> list[int]:
    """How many of a class's images go to each of the cut splits; the first ones are served first."""
    if images <= cuts:
        return [1 if cut < images - 1 else 0 for cut in range(cuts)]
    return [max(1, math.floor(images * CUT_SHARE + 0.5))] * cuts


def _cut_note(splits_N: npt.NDArray[np.int8], missing: Sequence[int], unit: str, seed: int) -> str:
    sizes = _and(f"{SPLITS[split]} ({np.count_nonzero(splits_N == split):,} images)" for split in missing)
    how = f"{CUT_SHARE:.0%} each, stratified by class"
    if unit == "groups":
        how = f"whole groups, as near to {CUT_SHARE:.0%} of each class as they come"
    return f"{sizes} cut from train, {how}, seed {seed}"


def _absent_classes(
    labels_N: npt.NDArray[np.int64], splits_N: npt.NDArray[np.int8], class_names: Sequence[str], cut: Sequence[int]
) -> list[str]:
    """Notes on classes of which a split has no image: a split that was cut, or one that the source gives."""
    absent = []
    for name, counts_S in zip(class_names, _counts(labels_N, splits_N, len(class_names)).T, strict=True):
        empty = [number for number in range(1, len(SPLITS)) if counts_S[number] == 0]
        if small := [SPLITS[number] for number in empty if number in cut]:
            absent.append(f"class {name!r} has too few images for {_and(small)}")
        if given := [SPLITS[number] for number in empty if number not in cut]:
            absent.append(f"class {name!r} has no image in {_and(given)}, so it is not measured there")
    return [_some(absent)] if absent else []


def _counts(labels_N: npt.NDArray[np.int64], splits_N: npt.NDArray[np.int8], classes: int) -> npt.NDArray[np.int64]:
    """Images by split and class."""
    cells = splits_N.astype(np.int64) * classes + labels_N
    return np.bincount(cells, minlength=len(SPLITS) * classes).reshape(len(SPLITS), classes)


def _some(sentences: Sequence[str]) -> str:
    more = len(sentences) - LISTED
    return "; ".join(sentences[:LISTED]) + (f"; and {more} classes more" if more > 0 else "")


def _and(words: Iterable[str]) -> str:
    return " and ".join(words)
