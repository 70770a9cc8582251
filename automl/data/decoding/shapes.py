"""One shape for images of many sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from automl.data.sizing import Fit, ImageShape, Sizing
from automl.data.source_contents import Header

PIXEL_BUDGET = 128 * 128
"""Largest number of pixels with `auto`: a search trains dozens of networks from the beginning."""
CONVERSIONS: Mapping[Fit, str] = {
    "crop": "resized to cover it, then cropped around the centre",
    "pad": "resized to fit into it, black around",
    "stretch": "stretched, whatever their aspect",
}


def common_shape(headers: Sequence[Header], sizing: Sizing) -> tuple[ImageShape, tuple[str, ...]]:
    """The asked size, or median sides under the pixel budget; one channel if all are gray. And the notes on it."""
    sizes_N2 = np.array([(header.height, header.width) for header in headers])
    gray = sum(header.gray for header in headers)
    if sizing.image_size is None:
        height, width = _reduced(*(int(side) for side in np.median(sizes_N2, axis=0)))
    else:
        height = width = sizing.image_size
    notes = []
    if (sizes_N2 != (height, width)).any():
        notes.append(_size_note(sizes_N2, height, width, sizing))
    if 0 < gray < len(headers):
        notes.append(f"{gray} of {len(headers)} images are gray, the others in colour: all are read in colour")
    if transparent := sum(header.transparent for header in headers):
        notes.append(
            f"{transparent} of {len(headers)} images may be transparent: what lies behind them is white, "
            "and black where a drawing is nearly white itself"
        )
    return (1 if gray == len(headers) else 3, height, width), tuple(notes)


def _reduced(height: int, width: int) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(PIXEL_BUDGET / (height * width)))
    return max(1, int(height * scale)), max(1, int(width * scale))


def _size_note(sizes_N2: npt.NDArray[np.int64], height: int, width: int, sizing: Sizing) -> str:
    (low_height, low_width), (high_height, high_width) = sizes_N2.min(axis=0), sizes_N2.max(axis=0)
    before = f"{low_height} × {low_width} pixels"
    if (low_height, low_width) != (high_height, high_width):
        before += f" to {high_height} × {high_width}"
    why = "as asked" if sizing.image_size else f"auto: their median, at most {PIXEL_BUDGET:,} pixels"
    return f"images of {before} (height × width) are brought to {height} × {width} ({why}): {CONVERSIONS[sizing.fit]}"
