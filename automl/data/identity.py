"""What identifies a data set: a study keeps it, and a worker compares it with the images it finds."""

from __future__ import annotations

from dataclasses import dataclass

from automl.data.pixel_range import PixelRange
from automl.data.sizing import AUTO, ImageShape, Sizing


@dataclass(frozen=True, kw_only=True)
class DataIdentity:
    """Which data a study searches on."""

    name: str
    """Short name of the data set, for the names of studies: `digits`, `fer2013`, `photos`."""
    reference: str
    """Name or absolute path that loads it again."""
    fingerprint: str
    """SHA-256 (hex) of pixels, labels, class names and given splits."""
    class_names: tuple[str, ...]
    image_shape: ImageShape
    sizing: Sizing = AUTO
    """Rule by which the images come to this shape."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits; None where all have 8."""

    def is_same(self, other: DataIdentity) -> bool:
        """Whether both are the same images in the same shape, wherever they lie."""
        return (self.fingerprint, self.sizing) == (other.fingerprint, other.sizing)
