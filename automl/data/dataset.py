"""DataSet: pixels, labels and splits, as everything after the decoding sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from automl.data.decoding.depth import PixelRange
from automl.errors import DataError

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height, width."""
Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
SMALLEST_SIDE, LARGEST_SIDE = 4, 2048
"""Pixels; nothing is recognized in less, and a network on more is no search."""
SplitName = Literal["train", "validation", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Sizing:
    """How images of any size become images of one; it belongs to a study, and to the model that comes of it.

    Raises: DataError if there is no such size or fit.
    """

    image_size: int | None = None
    """Pixels of both sides; None (auto) follows the median size of the images, under a budget of pixels."""
    fit: Fit = "crop"
    """crop: cover the shape, cut off what stands over. pad: fit into it, black around. stretch: change the aspect."""

    def __post_init__(self) -> None:
        size = self.image_size
        if size is not None and not SMALLEST_SIDE <= size <= LARGEST_SIDE:
            raise DataError(
                f"Image size {size}: it takes auto, or pixels from {SMALLEST_SIDE} to {LARGEST_SIDE} for both sides."
            )
        if self.fit not in FITS:
            raise DataError(f"Fit {self.fit!r} is unknown. Known: {', '.join(FITS)}.")


AUTO = Sizing()


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
    """Short, for the names of studies: `digits`, `fer2013`, `photos`."""
    reference: str
    """What loads it again on this machine: a name, or an absolute path."""
    fingerprint: str
    """SHA-256 (hex) of pixels, labels, class names and given splits; the same wherever and whenever it is read."""
    class_names: tuple[str, ...]
    image_shape: ImageShape
    splits: Mapping[SplitName, Split]
    """Those that were asked for: a search never holds `test`."""
    left_out: tuple[str, ...]
    """Files that could not be read, by name."""
    notes: tuple[str, ...]
    """What was decided on the way, a sentence each: sizes unified, splits cut."""
    sizing: Sizing = AUTO
    """How the images came to their shape."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits; None where all have 8."""

    def class_counts(self, split: SplitName) -> npt.NDArray[np.int64]:
        """Images of each class in a split, in the order of `class_names`."""
        return np.bincount(self.splits[split].labels_N, minlength=len(self.class_names))
