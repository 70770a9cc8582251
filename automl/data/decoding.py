"""Encoded images to pixels of one shape, on all cores.

The processes are loky's: they neither run the caller's main module again (a notebook or an unguarded script may load
data) nor fork threads that torch has started. With threads instead, Python's share of a small image would dominate:
FER2013's zip took 4.7 s with two threads and 2.1 s with two processes (2 cores, Python 3.11, Pillow 13, 2026-11).
"""

from __future__ import annotations

import math
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from joblib import cpu_count  # type: ignore[import-untyped]
from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]
from PIL import Image, UnidentifiedImageError

from automl.data.containers import Archive, Folder
from automl.data.contents import Allocate, ImageShape, Progress, Written
from automl.data.pixels import is_gray, to_pixels, upright_size
from automl.data.shapes import Header, common_shape
from automl.errors import DataError

MAX_CHUNK = 512
IMAGES_A_PROCESS = 64
"""Fewer are not worth the start of another process."""
DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, OverflowError, NotImplementedError),
    *(struct.error, zlib.error, zipfile.BadZipFile),
)
"""What Pillow's decoders and zipfile raise on damaged files."""


@dataclass(frozen=True)
class Chunk:
    """Some consecutive images of a container."""

    container: Path
    first_row: int
    names: Sequence[str]


@dataclass(frozen=True)
class EncodedImages:
    """Image files in a folder or a zip."""

    container: Path
    names: tuple[str, ...]

    def file_name(self, row: int) -> str:
        """The path inside the container."""
        return self.names[row]

    def write(self, allocate: Allocate, *, on_progress: Progress | None = None) -> Written:
        """Read all headers, decide on a shape, decode.

        Raises: DataError if an image has more pixels than Pillow allows, or none can be read.
        """
        with _processes(len(self.names)) as pool:
            headers, unreadable = self._headers(pool)
            if not headers:
                raise DataError(
                    f"{self.container}: none of its {len(self.names)} images can be read ({unreadable[0]})."
                )
            shape, notes = common_shape(headers)
            damaged = self._decode(pool, allocate(shape), shape, on_progress)
        return Written(unreadable | damaged, notes)

    def _headers(self, pool: Executor) -> tuple[list[Header], dict[int, str]]:
        futures = [pool.submit(read_headers, chunk) for chunk in self._chunks()]
        results = [future.result() for future in futures]
        headers = [header for found, _ in results for header in found]
        return headers, {row: reason for _, failed in results for row, reason in failed.items()}

    def _decode(self, pool: Executor, path: Path, shape: ImageShape, on_progress: Progress | None) -> dict[int, str]:
        chunks = {pool.submit(decode, chunk, path, shape): chunk for chunk in self._chunks()}
        damaged: dict[int, str] = {}
        done = 0
        for future in as_completed(chunks):
            damaged |= future.result()
            done += len(chunks[future].names)
            if on_progress is not None:
                on_progress(done, len(self.names))
        return damaged

    def _chunks(self) -> Iterator[Chunk]:
        size = min(MAX_CHUNK, math.ceil(len(self.names) / (4 * _process_count(len(self.names)))))
        for first in range(0, len(self.names), size):
            yield Chunk(self.container, first, self.names[first : first + size])


def read_headers(chunk: Chunk) -> tuple[list[Header], dict[int, str]]:
    """Headers of the readable images, and why the others are not, by row.

    Raises: DataError if an image has more pixels than Pillow allows.
    """
    headers: list[Header] = []
    unreadable: dict[int, str] = {}
    for row, name in enumerate(chunk.names, chunk.first_row):
        try:
            with _opened(chunk.container, name) as image:
                headers.append(Header(*upright_size(image), is_gray(image)))
        except DAMAGED as error:
            unreadable[row] = _reason(error)
    return headers, unreadable


def decode(chunk: Chunk, path: Path, shape: ImageShape) -> Mapping[int, str]:
    """Write the chunk's pixels into their rows of the .npy file; returns why some have none, by row."""
    images_MHWC = np.load(path, mmap_mode="r+")
    damaged: dict[int, str] = {}
    for row, name in enumerate(chunk.names, chunk.first_row):
        try:
            with _opened(chunk.container, name) as image:
                images_MHWC[row] = to_pixels(image, shape)
        except DAMAGED as error:
            damaged[row] = _reason(error)
    return damaged


@contextmanager
def _processes(images: int) -> Iterator[Executor]:
    try:
        with ProcessPoolExecutor(_process_count(images)) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=True, kill_workers=True)
                raise
    except BrokenProcessPool as error:
        raise DataError(f"A process that decoded images was killed, perhaps for want of memory: {error}") from error


def _process_count(images: int) -> int:
    return min(int(cpu_count()), math.ceil(images / IMAGES_A_PROCESS))


@contextmanager
def _opened(container: Path, name: str) -> Iterator[Image.Image]:
    with warnings.catch_warnings(), _container(container).open(name) as file:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd metadata; one process, one thread
        try:
            image = Image.open(file)
        except Image.DecompressionBombError as error:
            raise DataError(f"{container}: {name!r} is refused: {error}") from error
        with image:
            yield image


@lru_cache(maxsize=1)  # a zip's directory is read once by each decoding process, which lives for one data set
def _container(path: Path) -> Folder | Archive:
    return Folder(path) if path.is_dir() else Archive(path)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
