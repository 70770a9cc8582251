"""Some consecutive images at a time, as a decoding process works on them: their headers, value ranges and pixels."""

from __future__ import annotations

import fcntl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from automl.data.decoding.containers import UNREADABLE, Archive, Folder
from automl.data.decoding.deep import colours_of, deep_values
from automl.data.decoding.depth import Extent, extent_of
from automl.data.decoding.pixels import FORMATS, read_header, to_pixels
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Fit, ImageShape
from automl.data.source_contents import Header
from automl.errors import DataError

DAMAGED = (*UNREADABLE, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError, RuntimeError)
"""Exceptions of Pillow's decoders and zipfile on damaged files; RuntimeError is AVIF's."""
LARGE_PIXELS = 1 << 26
"""Pixels of an image above which one is decoded at a time, since each takes half a gigabyte and more."""


@dataclass(frozen=True)
class Chunk:
    """Some consecutive images of a container."""

    container: Path
    first_row: int
    names: Sequence[str]


def read_headers(chunk: Chunk) -> tuple[list[Header | None], dict[int, str]]:
    """Headers of the images, and why some have none, by row.

    Raises: DataError if an image has more pixels than Pillow allows.
    """
    headers: list[Header | None] = []
    unreadable: dict[int, str] = {}
    for row, name in enumerate(chunk.names, chunk.first_row):
        try:
            with _opened(chunk.container, name) as image:
                headers.append(read_header(image))
        except DAMAGED as error:
            headers.append(None)
            unreadable[row] = reason_of(error)
    return headers, unreadable


def read_extents(container: Path, names: Sequence[str]) -> list[Extent]:
    """Which values deep images have; those that cannot be read have none."""
    extents = []
    for name in names:
        with suppress(*DAMAGED), _opened(container, name) as image:
            extents.append(extent_of(colours_of(deep_values(image))))
    return [extent for extent in extents if extent is not None]


def decode(chunk: Chunk, path: Path, shape: ImageShape, fit: Fit, scale: PixelRange | None = None) -> Mapping[int, str]:
    """Write the chunk's pixels into their rows of the .npy file; returns why some have none, by row."""
    images_MHWC = np.lib.format.open_memmap(path, mode="r+")
    damaged: dict[int, str] = {}
    for row, name in enumerate(chunk.names, chunk.first_row):
        try:
            with _opened(chunk.container, name) as image, _alone_if_large(image, path):
                images_MHWC[row] = to_pixels(image, shape, fit, scale=scale)
        except DAMAGED as error:
            damaged[row] = reason_of(error)
    images_MHWC.flush()  # the record that names them comes after
    return damaged


@contextmanager
def _opened(container: Path, name: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings(), _container(container).open(name) as file:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; one process, one thread
        try:
            image = Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError as error:
            raise DataError(f"{container}: {name!r} is refused: {error}") from error
        with image:
            yield image


@contextmanager
def _alone_if_large(image: Image.Image, path: Path) -> Iterator[None]:
    """Wait, with a large image, until no other process that writes into `path` holds one."""
    if image.width * image.height <= LARGE_PIXELS:
        yield
        return
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # freed by the system when this process ends, however it ends
        yield


@lru_cache(maxsize=1)  # a zip's directory is read once by each decoding process, which lives for one data set
def _container(path: Path) -> Folder | Archive:
    return Folder(path) if path.is_dir() else Archive(path)


def reason_of(error: Exception) -> str:
    """Why an image cannot be read, in a few words."""
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
