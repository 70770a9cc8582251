"""DataSet: pixels, labels and splits, as everything after the decoding sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """N images of one split, as rows of the M images of the whole set; H × W pixels, C = 1 or 3 channels."""

    images_MHWC: npt.NDArray[np.uint8]
    """All of the set's images: usually a read-only memory map of the cache file, shared by all workers of a machine."""
    rows_N: npt.NDArray[np.int64]
    """Which of them are this split's, ascending."""
    labels_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows_N)


@dataclass(frozen=True)
class DataSet:
    """Labelled images with their splits."""

    name: str
    """Short, for the names of studies: `digits`, `archive`, `photos`."""
    reference: str
    """What loads it again on this machine: a name, or an absolute path."""
    fingerprint: str
    """SHA-256 (hex) of pixels, labels, class names and given splits; the same wherever and whenever it is read."""
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    """Channels, height, width."""
    splits: Mapping[SplitName, Split]
    """Those that were asked for: a search never holds `test`."""
    left_out: tuple[str, ...]
    """Files that could not be read, by name."""
    notes: tuple[str, ...]
    """What was decided on the way, a sentence each: sizes unified, splits cut."""

    def class_counts(self, split: SplitName) -> npt.NDArray[np.int64]:
        """Images of each class in a split, in the order of `class_names`."""
        return np.bincount(self.splits[split].labels_N, minlength=len(self.class_names))
