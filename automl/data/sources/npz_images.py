"""The images of a `.npz` file: uint8 as they are, other numbers in 256 grays. N images, H × W pixels, C channels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.decoding.arrays import Pixels, blocks_of, header_of, write_blocks
from automl.data.decoding.containers import Archive
from automl.data.decoding.depth import (
    Extent,
    are_shares,
    array_range,
    extent_of,
    scale_note,
    scale_to_grays,
    shares_to_grays,
)
from automl.data.disk_space import PixelFile
from automl.data.pixel_range import BYTES, PixelRange
from automl.data.sizing import Sizing
from automl.data.source_contents import Header, Progress, Written
from automl.data.sources.npz_arrays import open_array
from automl.errors import DataError

SHALLOW = (np.dtype(np.uint8), np.dtype(np.bool_))


@dataclass(frozen=True)
class ImageArray:
    """An array of images in the file."""

    name: str
    shape_NHWC: tuple[int, int, int, int]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class ArrayFileImages:
    """The images of such a file, array by array, read in blocks."""

    path: Path
    arrays: tuple[ImageArray, ...]
    """Arrays of images, all of one height, width, number of channels and type."""

    def file_name(self, row: int) -> str:
        """The number of the image, and its array where there are several."""
        for array in self.arrays[:-1]:
            if row < array.shape_NHWC[0]:
                return f"{array.name} {row}"
            row -= array.shape_NHWC[0]
        return f"image {row}" if len(self.arrays) == 1 else f"{self.arrays[-1].name} {row}"

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Write the pixels as they are, or in the size that is asked for.

        Raises: DataError if the file is damaged, or holds another kind of numbers than `pixel_file`'s scale.
        """
        first = self.arrays[0]
        scale, remarks = (None, ()) if first.dtype in SHALLOW else self._scale(pixel_file)
        header = header_of(first.shape_NHWC[1:])
        pixels = (_as_bytes(block_NHWC, scale) for block_NHWC in self._blocks())
        notes = write_blocks(pixels, header, pixel_file, sizing, on_progress=on_progress)
        original = header if scale is None else self._deep_header()
        return Written([original] * pixel_file.images, notes=notes + remarks, pixel_range=scale)

    def _scale(self, pixel_file: PixelFile) -> tuple[PixelRange | None, tuple[str, ...]]:
        """One scale for all images of other numbers than bytes, and the notes on it; None for shares from 0 to 1."""
        floats, rows = self.arrays[0].dtype.kind == "f", range(pixel_file.images)
        headers = [self._deep_header()] * pixel_file.images
        if (given := pixel_file.pixel_range) is not None:
            if (problem := given.reason_against(floats=floats)) is not None:
                raise DataError(f"{self.path}: {problem}. Save them as the training images were.")
            return given, (scale_note(rows, headers, given, "as the model was trained"),)
        every, training = self._extents(pixel_file)
        if not training:
            raise DataError(f"{self.path}: no pixel of a training image is a number. Save finite numbers.")
        if floats and are_shares(every):
            return None, ()
        scale, remarks = array_range(training, floats=floats)
        if scale == BYTES:
            return scale, ()
        return scale, (scale_note(rows, headers, scale, "by the training images"), *remarks)

    def _extents(self, pixel_file: PixelFile) -> tuple[list[Extent], list[Extent]]:
        """Extents of blocks of all images, and of the training images in them."""
        every, training, first = [], [], 0
        for block_NHWC in self._blocks():
            rows = slice(first, first := first + len(block_NHWC))
            chosen = block_NHWC if pixel_file.training_M is None else block_NHWC[pixel_file.training_M[rows]]
            every.append(extent_of(block_NHWC))
            training.append(extent_of(chosen))
        return [extent for extent in every if extent], [extent for extent in training if extent]

    def _deep_header(self) -> Header:
        """The header that such images would have as files."""
        height, width, channels = self.arrays[0].shape_NHWC[1:]
        gray = "F" if self.arrays[0].dtype.kind == "f" else "I"
        return Header(height, width, gray if channels == 1 else "RGB;16")

    def _blocks(self) -> Iterator[npt.NDArray[Any]]:
        for array in self.arrays:
            with open_array(Archive(self.path), array.name) as (file, *_):
                for rows in blocks_of(array.shape_NHWC):
                    shape_NHWC = (rows.stop - rows.start, *array.shape_NHWC[1:])
                    content = file.read(math.prod(shape_NHWC) * array.dtype.itemsize)
                    yield np.frombuffer(content, array.dtype).reshape(shape_NHWC)


def _as_bytes(block_NHWC: npt.NDArray[Any], scale: PixelRange | None) -> Pixels:
    if scale is not None:
        return scale_to_grays(block_NHWC, scale)
    if block_NHWC.dtype.kind == "f":
        return shares_to_grays(block_NHWC)
    return block_NHWC * np.uint8(255) if block_NHWC.dtype == np.bool_ else block_NHWC
