"""`.npz` with `images` (N × H × W or N × H × W × C, uint8), `labels` (numbers or words) and perhaps `split` (words)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from automl.data.dataset import Sizing
from automl.data.decoding.arrays import Pixels, blocks_of, header_of, write_blocks
from automl.data.decoding.containers import UNREADABLE, Archive
from automl.data.disk_space import Room
from automl.data.source_contents import Contents, Progress, Written
from automl.data.sources.labels import class_names_of, label_numbers, split_numbers, split_of
from automl.errors import DataError
from automl.sanitize import one_line

CHANNELS = (1, 3)
LONGEST_BYTES = 4096
"""Of a word: no class needs a longer name, and an array of longer ones may take any memory."""
LARGEST_WHOLE = 2**53
"""Above it a float64 no longer tells whole numbers apart."""


@dataclass(frozen=True)
class ArrayFile:
    """A file of numpy arrays."""

    path: Path

    @property
    def name(self) -> str:
        """The file's, without its ending."""
        return self.path.stem

    @property
    def reference(self) -> str:
        """The absolute path."""
        return str(self.path)

    def identity(self) -> str:
        """Size and time of change of the file."""
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def contents(self) -> Contents:
        """Labels and splits from their arrays; the images are only looked at.

        Raises: DataError if an array is missing, of another form, or pickled.
        """
        archive = Archive(self.path)
        names = {file.name for file in archive.files()}
        missing = sorted({"images.npy", "labels.npy"} - names)
        if missing:
            raise DataError(f"{self.path} has no array {missing[0].removesuffix('.npy')!r}. {_expected()}")
        shape_NHWC = self._image_shape(archive)
        labels = self._words(archive, "labels", shape_NHWC[0])
        splits = self._words(archive, "split", shape_NHWC[0]) if "split.npy" in names else ["train"] * len(labels)
        class_names = class_names_of(labels)
        return Contents(
            images=ArrayFileImages(self.path, shape_NHWC),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(
                split_of(word, where=f"{self.path}: image {row}") for row, word in enumerate(splits)
            ),
        )

    def _image_shape(self, archive: Archive) -> tuple[int, int, int, int]:
        with _opened(archive, "images") as (_, shape, columns_first, dtype):
            if len(shape) == 3:
                shape = (*shape, 1)
            if len(shape) != 4 or dtype != np.uint8 or shape[-1] not in CHANNELS or columns_first or 0 in shape:
                order = " in Fortran's order, which numpy.ascontiguousarray changes" if columns_first else ""
                raise DataError(f"{self.path}: 'images' is {_form(shape, dtype)}{order}. {_expected()}")
        return shape[0], shape[1], shape[2], shape[3]

    def _words(self, archive: Archive, name: str, images: int) -> list[str]:
        with _opened(archive, name) as (file, shape, _, dtype):
            if shape not in ((images,), (images, 1)) or dtype.kind not in "biufSU" or dtype.itemsize > LONGEST_BYTES:
                raise DataError(f"{self.path}: {name!r} is {_form(shape, dtype)} for {images} images. {_expected()}")
            words = _as_words(np.frombuffer(file.read(images * dtype.itemsize), dtype))
        if missing := [row for row, word in enumerate(words) if not word]:
            about = f"{len(missing)} images (first: image {missing[0]})"
            raise DataError(f"{self.path}: {name!r} says nothing of {about}. Leave them out.")
        return words


def _as_words(values_N: npt.NDArray[np.generic]) -> list[str]:
    """Numbers and words as text: 2.0 as 2, what is no number as nothing.

    Raises: ValueError if bytes are no UTF-8.
    """
    if values_N.dtype.kind == "S":
        return [one_line(word) for word in np.char.decode(values_N.astype(np.bytes_), "utf-8").tolist()]
    if values_N.dtype.kind == "f":
        return [_number_in_words(value) for value in values_N.astype(np.float64).tolist()]
    return [one_line(str(value)) for value in values_N]


def _number_in_words(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)


@dataclass(frozen=True)
class ArrayFileImages:
    """The images of such a file, read in blocks."""

    path: Path
    shape_NHWC: tuple[int, int, int, int]

    def file_name(self, row: int) -> str:
        """The number of the image."""
        return f"image {row}"

    def write(self, room: Room, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Write the pixels as they are, or in the size that is asked for.

        Raises: DataError if the file is damaged.
        """
        header = header_of(self.shape_NHWC[1:])
        notes = write_blocks(self._blocks(), header, room, sizing, on_progress=on_progress)
        return Written([header] * room.images, notes=notes)

    def _blocks(self) -> Iterator[Pixels]:
        with _opened(Archive(self.path), "images") as (file, *_):
            for rows in blocks_of(self.shape_NHWC):
                shape_NHWC = (rows.stop - rows.start, *self.shape_NHWC[1:])
                yield np.frombuffer(file.read(math.prod(shape_NHWC)), np.uint8).reshape(shape_NHWC)


@contextmanager
def _opened(archive: Archive, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[np.generic]]]:
    """An array's file, left at its first value, with its shape, whether columns come first, and its type.

    Raises: DataError if it is no array, damaged, pickled, or smaller than its header says: nothing is read or
    allocated on the word of a header alone.
    """
    try:
        with archive.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, columns_first, dtype = read(file)
            _check_size(archive, name, math.prod(shape) * dtype.itemsize)
            yield file, shape, columns_first, dtype
    except (*UNREADABLE, ValueError) as error:
        raise DataError(f"{archive.path}: the array {name!r} cannot be read: {error}. {_expected()}") from error


def _check_size(archive: Archive, name: str, promised_bytes: int) -> None:
    if promised_bytes > archive.size_bytes(f"{name}.npy"):
        raise DataError(f"{archive.path}: the array {name!r} breaks off. Save it again.")


def _form(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    return f"{' × '.join(map(str, shape)) or 'a single value'} of {dtype}"


def _expected() -> str:
    return (
        "Expected: images, N × H × W or N × H × W × C with 1 or 3 channels, uint8; labels, N numbers or words; "
        "and if wanted split, N words (train, validation, test)."
    )
