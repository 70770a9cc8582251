"""DataSet: pixels, labels and splits, as everything after the decoding sees them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.data.identity import DataIdentity
from automl.data.pixel_range import PixelRange
from automl.data.sizing import AUTO, ImageShape, Sizing
from automl.data.split_names import SplitName


@dataclass(frozen=True)
class Split:
    """N images of one split, as rows of the M images of the whole set; H × W pixels, C = 1 or 3 channels."""

    images_MHWC: npt.NDArray[np.uint8]
    """Images of the whole set: usually a read-only memory map of the cache file, shared by all workers of a machine."""
    rows_N: npt.NDArray[np.int64]
    """Rows of this split's images, ascending."""
    labels_N: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows_N)


@dataclass(frozen=True)
class DataSet:
    """Labelled images with their splits."""

    name: str
    """Short, for the names of studies: `digits`, `fer2013`, `photos`."""
    reference: str
    """Name or absolute path that loads it again on this machine."""
    fingerprint: str
    """SHA-256 (hex) of pixels, labels, class names and given splits; the same wherever and whenever it is read."""
    class_names: tuple[str, ...]
    image_shape: ImageShape
    splits: Mapping[SplitName, Split]
    """Splits that were asked for: a search never has `test`."""
    left_out: tuple[str, ...]
    """Files that could not be read, by name."""
    notes: tuple[str, ...]
    """Decisions on the way, a sentence each: sizes unified, splits cut."""
    sizing: Sizing = AUTO
    """Rule by which the images came to their shape."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits; None where all have 8."""

    @property
    def identity(self) -> DataIdentity:
        """What a study keeps of it."""
        return DataIdentity(**{field.name: getattr(self, field.name) for field in dataclasses.fields(DataIdentity)})

    def class_counts(self, split: SplitName) -> npt.NDArray[np.int64]:
        """Images of each class in a split, in the order of `class_names`."""
        return np.bincount(self.splits[split].labels_N, minlength=len(self.class_names))
