"""What the rules of the space `auto` know of the images."""

from __future__ import annotations

from dataclasses import dataclass

from automl.models.geometry import ImageShape


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """Counts and shape of a data set."""

    image_shape: ImageShape
    train: int
    """Number of training images."""
    validation: int
    """Number of validation images."""
    classes: int
    imbalance: float = 1.0
    """Training images of the largest class, as a multiple of those of the smallest one."""

    @property
    def longer_side(self) -> int:
        """In pixels."""
        return max(self.image_shape[1:])

    @property
    def shorter_side(self) -> int:
        """In pixels."""
        return min(self.image_shape[1:])

    def __str__(self) -> str:
        channels, height, width = self.image_shape
        colour = "colour" if channels == 3 else "gray"
        return f"{self.train:,} training images, {self.classes} classes, {colour}, {height} × {width} pixels"
