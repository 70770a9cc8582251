"""Encoded images to pixels of one shape, on all cores; what was interrupted goes on where it was.

The processes are loky's: they neither run the caller's main module again (a notebook or an unguarded script may load
data) nor fork threads that torch has started. With threads instead, Python's share of a small image would dominate:
FER2013's zip took 4.7 s with two threads and 2.1 s with two processes (2 cores, Python 3.11, Pillow 13, 2026-11).
"""

from __future__ import annotations

import fcntl
import math
import os
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from joblib import cpu_count  # type: ignore[import-untyped]
from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]
from PIL import Image, UnidentifiedImageError

from automl.child_processes import isolated_children
from automl.data.decoding.containers import UNREADABLE, Archive, Folder
from automl.data.decoding.decode_log import DecodeLog, DecodePlan
from automl.data.decoding.deep import colours_of, deep_values
from automl.data.decoding.depth import Extent, choose_range, extent_of, few_grays
from automl.data.decoding.pixels import FORMATS, read_header, to_pixels
from automl.data.decoding.shapes import common_shape
from automl.data.disk_space import PixelFile
from automl.data.pixel_range import GRAYS, SIXTEEN_BITS, PixelRange
from automl.data.sizing import Fit, ImageShape, Sizing
from automl.data.source_contents import Header, Interrupted, Progress, Written, none_readable
from automl.errors import DataError

CHUNK = 64
"""Number of images that are decoded, and recorded as done, together. Fewer are not worth another process."""
ORPHAN_SECONDS = 1.0
"""Seconds until a decoding process sees that its parent was killed."""
DAMAGED = (*UNREADABLE, SyntaxError, ValueError, TypeError, IndexError, KeyError, OverflowError, RuntimeError)
"""Exceptions of Pillow's decoders and zipfile on damaged files; RuntimeError is AVIF's."""
FLOATS = "F"
"""Pillow's mode of floating-point pixels."""
LOOKED_AT = 64
"""Number of scaled images, from all over a set, whose grays are counted."""
LARGE_PIXELS = 1 << 26
"""Pixels of an image above which one is decoded at a time, since each takes half a gigabyte and more."""


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

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Read all headers, decide on a shape, decode what an earlier, interrupted call has not.

        Raises: DataError if an image has more pixels than Pillow allows, or none can be read.
        """
        log = DecodeLog(pixel_file.folder)
        if on_progress is not None:  # the headers take a while, too
            on_progress(sum(images for _, images in log.done), pixel_file.images)
        with _processes(len(self.names)) as pool:
            plan = log.plan or log.begin(self._plan(pool, sizing, pixel_file))
            pixel_file.allocate(plan.shape)
            self._decode(pool, log, pixel_file, plan, sizing.fit, on_progress)
        damaged = {row: reason for chunk in log.done.values() for row, reason in chunk.items()}
        unreadable = {**plan.unreadable, **damaged}
        return Written(plan.headers, unreadable, plan.notes + _remarks(plan, unreadable, pixel_file), plan.pixel_range)

    def _plan(self, pool: Executor, sizing: Sizing, pixel_file: PixelFile) -> DecodePlan:
        futures = [pool.submit(read_headers, chunk) for chunk in self._chunks()]
        results = [future.result() for future in futures]
        headers = [header for found, _ in results for header in found]
        unreadable = {row: reason for _, failed in results for row, reason in failed.items()}
        readable = [header for header in headers if header is not None]
        if not readable:
            raise none_readable(self.container, len(self.names), unreadable[0])
        shape, notes = common_shape(readable, sizing)
        scale, remarks = self._scale(pool, headers, pixel_file)
        return DecodePlan(shape, notes + remarks, headers, unreadable, scale)

    def _scale(
        self, pool: Executor, headers: Sequence[Header | None], pixel_file: PixelFile
    ) -> tuple[PixelRange | None, tuple[str, ...]]:
        """One scale for all images of more than 8 bits, and the notes on it."""
        deep = [row for row, header in enumerate(headers) if header is not None and header.deep]
        if not deep:
            return None, ()
        if pixel_file.pixel_range is not None:
            return pixel_file.pixel_range, (
                scale_note(deep, headers, pixel_file.pixel_range, "as the model was trained"),
            )
        training = deep if pixel_file.training_M is None else [row for row in deep if pixel_file.training_M[row]]
        floats = _one_kind(self.container, [header for row in training if (header := headers[row])])
        chunks = (training[first : first + CHUNK] for first in range(0, len(training), CHUNK))
        futures = [pool.submit(read_extents, self.container, [self.names[row] for row in rows]) for rows in chunks]
        extents = [extent for future in futures for extent in future.result()]
        if not extents:
            why = "as no such training image can be read"
            return SIXTEEN_BITS, (scale_note(deep, headers, SIXTEEN_BITS, why),)
        scale, remarks = choose_range(extents, floats=floats)
        return scale, (scale_note(deep, headers, scale, "by the training images"), *remarks)

    def _decode(
        self,
        pool: Executor,
        log: DecodeLog,
        pixel_file: PixelFile,
        plan: DecodePlan,
        fit: Fit,
        on_progress: Progress | None,
    ) -> None:
        chunks = [chunk for chunk in self._chunks() if (chunk.first_row, len(chunk.names)) not in log.done]
        futures = {
            pool.submit(decode, chunk, pixel_file.path, plan.shape, fit, plan.pixel_range): chunk for chunk in chunks
        }
        done = pixel_file.images - sum(len(chunk.names) for chunk in chunks)
        for future in as_completed(futures):
            chunk = futures[future]
            log.add(chunk.first_row, len(chunk.names), future.result())
            done += len(chunk.names)
            if on_progress is not None:
                on_progress(done, pixel_file.images)

    def _chunks(self) -> Iterator[Chunk]:
        for first in range(0, len(self.names), CHUNK):
            yield Chunk(self.container, first, self.names[first : first + CHUNK])


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


def scale_note(deep: Sequence[int], headers: Sequence[Header | None], scale: PixelRange, why: str) -> str:
    """The note on a set's images of more than 8 bits."""
    images = sum(header is not None for header in headers)
    others = "" if len(deep) == images else "; the others have 8 bits and stay as they are"
    return (
        f"{len(deep):,} of {images:,} images have more than 8 bits: their values from {scale.in_words()} become "
        f"{GRAYS} grays in equal steps, the same for all ({why}){others}"
    )


def _remarks(plan: DecodePlan, unreadable: Mapping[int, str], pixel_file: PixelFile) -> tuple[str, ...]:
    """What is seen of deep images only after they are scaled."""
    rows = [row for row, header in enumerate(plan.headers) if header and header.deep and row not in unreadable]
    images_MHWC = np.load(pixel_file.path, mmap_mode="r")
    return few_grays(images_MHWC[row] for row in rows[:: max(1, len(rows) // LOOKED_AT)]) if rows else ()


def _one_kind(container: Path, headers: Sequence[Header]) -> bool:
    """Whether these deep images hold floating-point numbers.

    Raises: DataError if some do and others do not.
    """
    floats = sum(header.mode == FLOATS for header in headers)
    if 0 < floats < len(headers):
        raise DataError(
            f"{container}: {floats:,} training images hold floating-point numbers and {len(headers) - floats:,} whole "
            "numbers of more than 8 bits, which have no common scale. Save all of them in one form."
        )
    return floats > 0


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
def _processes(images: int) -> Iterator[Executor]:
    try:
        with (
            isolated_children(),
            ProcessPoolExecutor(_process_count(images), initializer=_end_with, initargs=(os.getpid(),)) as pool,
        ):
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=True, kill_workers=True)
                raise
    except BrokenProcessPool as error:
        raise Interrupted(
            f"A process that decoded images was killed, perhaps for want of memory: {error}\n"
            "What is decoded is kept: the same command goes on from there."
        ) from error


def _end_with(parent: int) -> None:
    """Let this process end when the one that started it was killed; loky's would wait for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _process_count(images: int) -> int:
    return min(int(cpu_count()), math.ceil(images / CHUNK))


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
