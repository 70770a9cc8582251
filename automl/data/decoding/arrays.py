"""Images that come as arrays, all of one size: brought to the shape of the set, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.data.decoding.shapes import common_shape
from automl.data.disk_space import PixelFile
from automl.data.sizing import Sizing
from automl.data.source_contents import Header, Progress, Written

Pixels = npt.NDArray[np.uint8]
BLOCK_BYTES = 1 << 24


@dataclass(frozen=True)
class ArrayImages:
    """Images that are in memory already."""

    pixels_MHWC: Pixels

    def file_name(self, row: int) -> str:
        """The number of an image without a file."""
        return f"image {row}"

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Write the pixels as they are, or in the size that is asked for."""
        header = header_of(self.pixels_MHWC.shape[1:])
        notes = write_blocks(self._blocks(), header, pixel_file, sizing, on_progress=on_progress)
        return Written([header] * pixel_file.images, notes=notes)

    def _blocks(self) -> Iterator[Pixels]:
        for rows in blocks_of(self.pixels_MHWC.shape):
            yield self.pixels_MHWC[rows]


def blocks_of(shape_MHWC: tuple[int, ...]) -> Iterator[slice]:
    """Consecutive rows of all images, a few megabytes of pixels at a time."""
    at_once = max(1, BLOCK_BYTES // math.prod(shape_MHWC[1:]))
    for first in range(0, shape_MHWC[0], at_once):
        yield slice(first, min(first + at_once, shape_MHWC[0]))


def header_of(shape_HWC: tuple[int, ...]) -> Header:
    """The header that images of this shape would have as files."""
    height, width, channels = shape_HWC
    return Header(height, width, "L" if channels == 1 else "RGB")


def write_blocks(
    blocks: Iterable[Pixels], header: Header, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None
) -> tuple[str, ...]:
    """Write blocks of consecutive images, N × H × W × C, and return the notes on their size.

    Raises: DataError if there is no space for them.
    """
    from automl.data.decoding.pixels import convert  # Pillow: the cache does without

    shape, notes = common_shape([header], sizing)
    target_MHWC = np.load(pixel_file.allocate(shape), mmap_mode="r+")
    done = 0
    for block_NHWC in blocks:
        target_MHWC[done : done + len(block_NHWC)] = convert(block_NHWC, shape, sizing.fit)
        done += len(block_NHWC)
        if on_progress is not None:
            on_progress(done, pixel_file.images)
    return notes
