"""Lists of PIL images or paths as a batch: read as image files are, in one shape. H × W pixels, C channels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from automl.data.decoding.arrays import blocks_of
from automl.data.decoding.chunks import DAMAGED
from automl.data.decoding.deep import deep_mode, deep_values, is_deep_colour
from automl.data.decoding.pixels import FORMATS, read_header, to_pixels
from automl.data.decoding.shapes import common_shape
from automl.data.in_memory.image_batches import ArrayBatch, ImageBatch, take_arrays
from automl.data.sizing import Fit, Sizing
from automl.data.source_contents import Header
from automl.errors import ArrayError

Picture: TypeAlias = "str | os.PathLike[str] | Image.Image"


@dataclass(frozen=True)
class PictureBatch:
    """Pictures of 8 bits a channel, brought to one shape as those of a folder are."""

    pictures: Sequence[Picture]
    shape_NHWC: tuple[int, int, int, int]
    fit: Fit
    name: str
    """What a message calls them."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Bytes."""
        return np.dtype(np.uint8)

    def blocks(self) -> Iterator[npt.NDArray[Any]]:
        """As `ImageBatch` says."""
        for rows in blocks_of(self.shape_NHWC):
            yield np.stack([self._pixels(row) for row in range(rows.start, rows.stop)])

    def _pixels(self, row: int) -> npt.NDArray[np.uint8]:
        with _opened(self.pictures[row], f"{self.name}[{row}]") as image:
            height, width, channels = self.shape_NHWC[1:]
            return to_pixels(image, (channels, height, width), self.fit)


def is_picture(value: object) -> bool:
    """Whether it is a PIL image or a path."""
    return isinstance(value, str | os.PathLike | Image.Image)


def take_pictures(lists: Sequence[Sequence[Picture]], names: Sequence[str], sizing: Sizing) -> list[ImageBatch]:
    """Pictures of train and of other splits, all brought to the shape that suits all of them.

    Raises: ArrayError if one cannot be read, or only some have more than 8 bits.
    """
    headers = [
        _header(picture, f"{name}[{row}]")
        for pictures, name in zip(lists, names, strict=True)
        for row, picture in enumerate(pictures)
    ]
    deep = sum(header.deep for header in headers)
    if 0 < deep < len(headers):
        raise ArrayError(
            f"{names[0]}: {deep:,} of {len(headers):,} images have more than 8 bits, the others 8. "
            "Give all in one form, or write them into a folder, which automl reads with one scale."
        )
    if deep:
        return [_deep_arrays(pictures, name) for pictures, name in zip(lists, names, strict=True)]
    (channels, height, width), _ = common_shape(headers, sizing)
    return [
        PictureBatch(pictures, (len(pictures), height, width, channels), sizing.fit, name)
        for pictures, name in zip(lists, names, strict=True)
    ]


def _deep_arrays(pictures: Sequence[Picture], name: str) -> ArrayBatch:
    """The values of pictures of more than 8 bits, which have to be of one size."""
    values = []
    for row, picture in enumerate(pictures):
        with _opened(picture, f"{name}[{row}]") as image:
            values.append(np.array(deep_values(image)))
    return take_arrays(values, name=name)


def _header(picture: Picture, name: str) -> Header:
    with _opened(picture, name) as image:
        header = read_header(image)
        mode = deep_mode(image)
    return Header(header.height, header.width, mode or header.mode, transparent=header.transparent)


@contextmanager
def _opened(picture: Picture, name: str) -> Iterator[Image.Image]:
    """The picture as a PIL image, which may be loaded at a fraction of its size.

    Raises: ArrayError if it cannot be read.
    """
    try:
        if isinstance(picture, Image.Image):  # a copy: else the caller's would be read at a fraction of its size
            yield picture if is_deep_colour(picture) else picture.copy()
            return
        with Image.open(Path(picture), formats=FORMATS) as image:
            yield image
    except FileNotFoundError as error:
        raise ArrayError(f"{name}: there is no image {picture}.") from error
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise ArrayError(f"{name} cannot be read as an image: {error}") from error
