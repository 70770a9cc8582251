"""One shape for images of many sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.data.contents import ImageShape

PIXEL_BUDGET = 128 * 128
"""An image of more is reduced to it: a search trains dozens of networks from the beginning."""


@dataclass(frozen=True)
class Header:
    """What an image says of itself, upright."""

    height: int
    width: int
    gray: bool


def common_shape(headers: Sequence[Header], *, pixel_budget: int = PIXEL_BUDGET) -> tuple[ImageShape, tuple[str, ...]]:
    """Median sides under a pixel budget, one channel if all are gray; and what is to be said about it."""
    sizes_N2 = np.array([(header.height, header.width) for header in headers])
    gray = sum(header.gray for header in headers)
    height, width = _reduced(*(int(side) for side in np.median(sizes_N2, axis=0)), pixel_budget=pixel_budget)
    notes = []
    if (sizes_N2 != (height, width)).any():
        notes.append(_size_note(sizes_N2.min(axis=0), sizes_N2.max(axis=0), height, width))
    if 0 < gray < len(headers):
        notes.append(f"{gray} of {len(headers)} images are gray, the others in colour: all are read in colour")
    return (1 if gray == len(headers) else 3, height, width), tuple(notes)


def _reduced(height: int, width: int, *, pixel_budget: int) -> tuple[int, int]:
    scale = min(1.0, math.sqrt(pixel_budget / (height * width)))
    return max(1, int(height * scale)), max(1, int(width * scale))


def _size_note(smallest_2: Sequence[int], largest_2: Sequence[int], height: int, width: int) -> str:
    (low_height, low_width), (high_height, high_width) = smallest_2, largest_2
    before = f"{low_height} × {low_width} pixels"
    if (low_height, low_width) != (high_height, high_width):
        before += f" to {high_height} × {high_width}"
    return (
        f"images of {before} (height × width) are brought to {height} × {width}: "
        "resized to cover it, then cropped around the centre"
    )
