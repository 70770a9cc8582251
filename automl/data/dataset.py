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
    """Images and labels of one split; N images of H × W pixels with C = 1 or 3 channels."""

    images_NHWC: npt.NDArray[np.uint8]
    """Usually a read-only view of a memory-mapped cache file, shared by all workers of a machine."""
    labels_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels_N)


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
    left_out: tuple[str, ...]
    """Files that could not be read, by name."""
    notes: tuple[str, ...]
    """What was decided on the way, a sentence each: sizes unified, splits cut."""

    def class_counts(self, split: SplitName) -> npt.NDArray[np.int64]:
        """Images of each class in a split, in the order of `class_names`."""
        return np.bincount(self.splits[split].labels_N, minlength=len(self.class_names))
