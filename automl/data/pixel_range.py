"""The scale of images of more than 8 bits: which values become black, white and the grays between them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from automl.errors import DataError

GRAYS = 256


@dataclass(frozen=True)
class PixelRange:
    """Values that become 256 grays in equal steps; what lies below is black, above white.

    Raises: DataError if that is no range.
    """

    low: float
    stop: float
    """The first value above."""
    floats: bool = False
    """Whether the values are floating-point numbers; else whole ones."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.stop) and self.low < self.stop):
            raise DataError(f"Pixel values from {self.low:g} to below {self.stop:g} are no range.")

    def reason_against(self, *, floats: bool) -> str | None:
        """Why pixels of the other kind have no gray; None if these have."""
        if floats == self.floats:
            return None
        kinds = ("whole numbers of more than 8 bits", "floating-point numbers")
        return f"its pixels are {kinds[floats]}, and the scale of the training images is one of {kinds[self.floats]}"

    def in_words(self) -> str:
        """The values, for people."""
        return f"{self.low:,.10g} to {self.stop if self.floats else self.stop - 1:,.10g}"

    def rule(self) -> str:
        """The same as a formula, for other programs."""
        return f"clip(floor((value - {self.low:.17g}) * {GRAYS} / {self.stop - self.low:.17g}), 0, {GRAYS - 1})"


SIXTEEN_BITS = PixelRange(0, 65536)
"""Scale where no training image tells another one: the upper half of 16 bits."""
BYTES = PixelRange(0, GRAYS)
"""Scale of whole numbers that are bytes in a wider type: each keeps its value."""
