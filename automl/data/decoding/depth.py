"""Images of more than 8 bits a channel: one scale of a whole set, to 256 grays.

A file does not say which of its values mean black and white: a 12-bit camera writes 16-bit files, a scanner 32-bit ones
with negative values. So the training images of a set decide, and the scale goes with the study and its models.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.pixel_range import BYTES, GRAYS, PixelRange
from automl.data.source_contents import Header

SAMPLED = 1 << 20
"""Largest number of values of one image for its percentiles."""
PERCENTILES = (0.1, 99.9)
OUTLIERS = 16
"""Factor of the range of the percentiles: a few dead pixels must not make all others black."""
FEW_GRAYS = 16
"""Number of grays below which an image is hardly distinct from a blank one."""


@dataclass(frozen=True)
class Extent:
    """Which values an image has."""

    low: float
    high: float
    usual_low: float
    usual_high: float
    """The percentiles."""


def scale_to_grays(values: npt.NDArray[Any], scale: PixelRange) -> npt.NDArray[np.uint8]:
    """Grays of raw values, of the same shape; NaN is black."""
    steps = np.floor((values.astype(np.float64) - scale.low) * GRAYS / (scale.stop - scale.low))
    return np.nan_to_num(steps, copy=False, nan=0.0).clip(0, GRAYS - 1).astype(np.uint8)


def extent_of(values: npt.NDArray[Any]) -> Extent | None:
    """Smallest, largest and usual values; None if no value is a number."""
    flat = values.reshape(-1)
    if np.issubdtype(flat.dtype, np.floating):
        flat = flat[np.isfinite(flat)]
    if not len(flat):
        return None
    usual_low, usual_high = np.percentile(flat[:: max(1, len(flat) // SAMPLED)], PERCENTILES)
    return Extent(float(flat.min()), float(flat.max()), float(usual_low), float(usual_high))


def choose_range(extents: Sequence[Extent], *, floats: bool) -> tuple[PixelRange, tuple[str, ...]]:
    """One range for images of these extents, at least one; and the notes on it.

    Whole numbers from 0 up take the bits that the largest needs, if they use half of them; all others their own range.
    """
    low, high = min(one.low for one in extents), max(one.high for one in extents)
    usual_low, usual_high = min(one.usual_low for one in extents), max(one.usual_high for one in extents)
    notes: tuple[str, ...] = ()
    if usual_high > usual_low and high - low > OUTLIERS * (usual_high - usual_low):
        notes = (f"a few pixels have values far outside, from {low:,.10g} to {high:,.10g}: they become black or white",)
        low, high = (usual_low, usual_high) if floats else (math.floor(usual_low), math.ceil(usual_high))
    chosen = _float_range(low, high) if floats else _whole_range(int(low), int(high))
    return chosen, notes


def array_range(extents: Sequence[Extent], *, floats: bool) -> tuple[PixelRange, tuple[str, ...]]:
    """The range of images that come as arrays: as `choose_range` says, but bytes in a wider type keep their values."""
    if not floats and min(one.low for one in extents) >= 0 and max(one.high for one in extents) < BYTES.stop:
        return BYTES, ()
    return choose_range(extents, floats=floats)


def are_shares(extents: Sequence[Extent]) -> bool:
    """Whether these floating-point numbers are shares of white, from 0 to 1."""
    return min(one.low for one in extents) >= 0 and 1 / 2 < max(one.high for one in extents) <= 1


def shares_to_grays(shares: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Grays of shares from 0 to 1, of the same shape: k / 255 becomes k; NaN is black."""
    steps = np.rint(np.nan_to_num(shares, nan=0.0) * np.float32(GRAYS - 1))
    grays: npt.NDArray[np.uint8] = steps.clip(0, GRAYS - 1).astype(np.uint8)
    return grays


def few_grays(images: Iterable[npt.NDArray[np.uint8]]) -> tuple[str, ...]:
    """The note on scaled images that hardly differ from blank ones, as with -3.4e38 for "none"."""
    if np.median([len(np.unique(image)) for image in images]) >= FEW_GRAYS:
        return ()
    return (
        f"half of the images of more than 8 bits use fewer than {FEW_GRAYS} of the {GRAYS} grays: if a value far from "
        "the others means 'none', replace it by one near them",
    )


def _float_range(low: float, high: float) -> PixelRange:
    return PixelRange(low, high if high > low else low + 1, floats=True)


def _whole_range(low: int, high: int) -> PixelRange:
    depth = max(8, high.bit_length())
    if low >= 0 and (depth == 8 or 2 * (high - low + 1) >= 1 << depth):
        return PixelRange(0, 1 << depth)
    return PixelRange(low, high + 1)


def scale_note(deep: Sequence[int], headers: Sequence[Header | None], scale: PixelRange, why: str) -> str:
    """The note on a set's images of more than 8 bits."""
    images = sum(header is not None for header in headers)
    others = "" if len(deep) == images else "; the others have 8 bits and stay as they are"
    return (
        f"{len(deep):,} of {images:,} images have more than 8 bits: their values from {scale.in_words()} become "
        f"{GRAYS} grays in equal steps, the same for all ({why}){others}"
    )
