"""Sizes of images: the shape that all images of a data set take, and how they come to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from automl.errors import DataError

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height, width."""
Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
SMALLEST_SIDE, LARGEST_SIDE = 4, 2048
"""Bounds of a side, in pixels; nothing is recognized in less, and a network on more is no search."""


@dataclass(frozen=True)
class Sizing:
    """How images of any size become images of one; it belongs to a study, and to the model that comes of it.

    Raises: DataError if there is no such size or fit.
    """

    image_size: int | None = None
    """Length of both sides, in pixels; None (auto) follows the median size of the images, under a budget of pixels."""
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
