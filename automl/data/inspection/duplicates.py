"""What equal and similar images mean for a data set: copies within a split, across splits, under other labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.data.inspection.similarity import Fingerprints, exact_groups, near_groups
from automl.data.split_names import SPLITS, SplitName

EXAMPLES = 3
"""Number of groups whose files are named."""
NAMED = 4
"""Number of files of a group that are named."""


@dataclass(frozen=True)
class ImageTable:
    """N readable images of all splits."""

    rows_N: npt.NDArray[np.int64]
    labels_N: npt.NDArray[np.int64]
    splits_N: npt.NDArray[np.int64]
    """Index of each image's split in SPLITS."""


@dataclass(frozen=True)
class Duplicates:
    """Groups of two or more images that are the same in some sense."""

    groups: int
    images: int
    """Images in all groups together."""
    within_a_split: int
    """Groups with several images of one split."""
    across_splits: int
    """Groups with images of several splits."""
    also_in_train: Mapping[SplitName, int]
    """Images of validation and of test with another of their group in train."""
    contradictory: int
    """Groups under several labels."""
    examples: tuple[tuple[str, ...], ...]
    """File names of some groups: those across splits first."""


def find_duplicates(
    fingerprints: Fingerprints, table: ImageTable, *, names: Sequence[str]
) -> tuple[Duplicates, Duplicates]:
    """Groups of equal images, and groups of images that look alike without being all equal.

    `names`: of all images of the set, by row.
    """
    exact_N = exact_groups(fingerprints.digests_N)
    near_N = near_groups(fingerprints.copies_NTTC)
    equal = list(_groups(exact_N))
    alike = [group for group in _groups(near_N) if len(set(exact_N[group])) > 1]
    return _summary(equal, table, names), _summary(alike, table, names)


def _groups(numbers_N: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    """Positions of the images of each group of two or more."""
    order = np.argsort(numbers_N, kind="stable")
    starts = np.flatnonzero(np.diff(numbers_N[order], prepend=-1))
    return (group for group in np.split(order, starts[1:]) if len(group) > 1)


def _summary(groups: Sequence[npt.NDArray[np.int64]], table: ImageTable, names: Sequence[str]) -> Duplicates:
    counts_GS = np.array([np.bincount(table.splits_N[group], minlength=len(SPLITS)) for group in groups])
    counts_GS = counts_GS.reshape(-1, len(SPLITS))
    across_G = np.count_nonzero(counts_GS, axis=1) > 1
    leaked_S = counts_GS[counts_GS[:, 0] > 0].sum(axis=0)
    shown = np.argsort(~across_G, kind="stable")[:EXAMPLES]
    return Duplicates(
        groups=len(groups),
        images=int(counts_GS.sum()),
        within_a_split=int((counts_GS > 1).any(axis=1).sum()),
        across_splits=int(across_G.sum()),
        also_in_train={split: int(images) for split, images in zip(SPLITS[1:], leaked_S[1:], strict=True)},
        contradictory=sum(len(set(table.labels_N[group])) > 1 for group in groups),
        examples=tuple(tuple(names[row] for row in table.rows_N[groups[index][:NAMED]]) for index in shown),
    )
