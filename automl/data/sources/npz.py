"""`.npz` with images (N × H × W or N × H × W × C, uint8) and labels (numbers or words), of all splits or of each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from automl.data.decoding.arrays import Pixels, blocks_of, header_of, write_blocks
from automl.data.decoding.containers import UNREADABLE, Archive
from automl.data.disk_space import Room
from automl.data.labels import class_names_of, label_numbers, normalize_label, split_numbers, split_of
from automl.data.sizing import Sizing
from automl.data.source_contents import Contents, Progress, Written
from automl.data.sources.array_names import SPLIT, Part, expected, find_parts
from automl.data.split_names import SplitName
from automl.data.tables.label_values import check_doubtful, missing_labels, unify_labels
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
        names = {file.name.removesuffix(".npy") for file in archive.files()}
        parts = find_parts(names, where=str(self.path))
        images = [_image_array(archive, part.images) for part in parts]
        if len({array.shape_NHWC[1:] for array in images}) > 1:
            sizes = " and ".join(f"{array.name!r} of {_form(array.shape_NHWC, np.dtype(np.uint8))}" for array in images)
            raise DataError(f"{self.path} has images of several shapes: {sizes}. Bring them to one.")
        labels = [
            label
            for part, array in zip(parts, images, strict=True)
            for label in _labels(archive, part.labels, array.shape_NHWC[0])
        ]
        unified = unify_labels(labels, where=str(self.path))
        labels = [unified.names[label] for label in labels]
        class_names = class_names_of(labels)
        used = {name for part in parts for name in (part.images, part.labels, SPLIT if part.split is None else "")}
        return Contents(
            images=ArrayFileImages(self.path, tuple(images)),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(self._splits(archive, parts, images, has_words=SPLIT in names)),
            notes=(*unified.notes, *_unread_note(names - used)),
        )

    def _splits(
        self, archive: Archive, parts: Sequence[Part], images: Sequence[ImageArray], *, has_words: bool
    ) -> list[SplitName]:
        if has_words and parts[0].split is None:
            words = _words(archive, SPLIT, images[0].shape_NHWC[0])
            return [split_of(word, where=f"{self.path}: image {row}") for row, word in enumerate(words)]
        return [
            part.split or "train" for part, array in zip(parts, images, strict=True) for _ in range(array.shape_NHWC[0])
        ]


@dataclass(frozen=True)
class ImageArray:
    """An array of images in the file."""

    name: str
    shape_NHWC: tuple[int, int, int, int]


def _image_array(archive: Archive, name: str) -> ImageArray:
    with _opened(archive, name) as (_, shape, columns_first, dtype):
        problem = _image_problem(shape, columns_first, dtype)
        if problem is not None:
            raise DataError(f"{archive.path}: {name!r} is {_form(shape, dtype)}{problem}. {expected()}")
    shape = (*shape, 1) if len(shape) == 3 else shape
    return ImageArray(name, (shape[0], shape[1], shape[2], shape[3]))


def _image_problem(shape: tuple[int, ...], columns_first: bool, dtype: np.dtype[np.generic]) -> str | None:
    """What is wrong with the form of an array of images, as a message's end; None if nothing is."""
    if columns_first:
        return " in Fortran's order, which numpy.ascontiguousarray changes"
    if len(shape) == 4 and shape[3] not in CHANNELS and shape[1] in CHANNELS:
        return ", with the channels first, which .transpose(0, 2, 3, 1) changes"
    if dtype.kind == "f":
        return ", whose range is not known: bring it to 0 to 255, and save .astype('uint8')"
    is_known = len(shape) in (3, 4) and (len(shape) == 3 or shape[3] in CHANNELS)
    return None if is_known and dtype == np.uint8 and 0 not in shape else ""


def _labels(archive: Archive, name: str, images: int) -> list[str]:
    """Labels in words: numbers, words, or one-hot rows, of which each is the place of its 1.

    Raises: DataError if the array has another form, or an image no label.
    """
    words = _words(archive, name, images)
    if missing := missing_labels(words):
        raise _without_words(archive, name, [row for row, word in enumerate(words) if word in missing])
    check_doubtful(words, where=f"{archive.path}: {name!r}", named=lambda row: f"image {row}")
    return words


def _words(archive: Archive, name: str, images: int) -> list[str]:
    with _opened(archive, name) as (file, shape, columns_first, dtype):
        is_one_hot = len(shape) == 2 and shape[0] == images and shape[1] > 1 and dtype.kind in "biuf"
        if not is_one_hot and (
            shape not in ((images,), (images, 1)) or dtype.kind not in "biufSU" or dtype.itemsize > LONGEST_BYTES
        ):
            raise DataError(f"{archive.path}: {name!r} is {_form(shape, dtype)} for {images} images. {expected()}")
        values = np.frombuffer(file.read(math.prod(shape) * dtype.itemsize), dtype)
        if is_one_hot:
            values_NK = values.reshape(shape, order="F" if columns_first else "C")
            return [str(label) for label in _places_of_ones(values_NK, f"{archive.path}: {name!r}")]
        words = _as_words(values)
    if missing := [row for row, word in enumerate(words) if not word]:
        raise _without_words(archive, name, missing)
    return words


def _places_of_ones(values_NK: npt.NDArray[np.generic], where: str) -> list[int]:
    """The class of each one-hot row.

    Raises: DataError if a row has not one 1 among zeros.
    """
    ones_NK = values_NK == 1
    wrong = np.flatnonzero((ones_NK.sum(axis=1) != 1) | ~(ones_NK | (values_NK == 0)).all(axis=1))
    if len(wrong):
        raise DataError(
            f"{where} is {_form(values_NK.shape, values_NK.dtype)}: image {wrong[0]} has not one 1 among zeros. "
            "A classifier takes one class an image: save N numbers or words."
        )
    places: list[int] = ones_NK.argmax(axis=1).tolist()
    return places


def _without_words(archive: Archive, name: str, rows: Sequence[int]) -> DataError:
    about = f"{len(rows)} images (first: image {rows[0]})"
    return DataError(f"{archive.path}: {name!r} says nothing of {about}. Leave them out.")


def _unread_note(names: Collection[str]) -> tuple[str, ...]:
    return (f"arrays that are not read: {', '.join(map(one_line, sorted(names)))}",) if names else ()


def _as_words(values_N: npt.NDArray[np.generic]) -> list[str]:
    """Numbers and words as text: 2.0 as 2, what is no number as nothing.

    Raises: ValueError if bytes are no UTF-8.
    """
    if values_N.dtype.kind == "S":
        return [normalize_label(word) for word in np.char.decode(values_N.astype(np.bytes_), "utf-8").tolist()]
    if values_N.dtype.kind == "f":
        return [_number_in_words(value) for value in values_N.astype(np.float64).tolist()]
    return [normalize_label(str(value)) for value in values_N]


def _number_in_words(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)


@dataclass(frozen=True)
class ArrayFileImages:
    """The images of such a file, array by array, read in blocks."""

    path: Path
    arrays: tuple[ImageArray, ...]
    """All of one height, width and number of channels."""

    def file_name(self, row: int) -> str:
        """The number of the image, and its array where there are several."""
        for array in self.arrays[:-1]:
            if row < array.shape_NHWC[0]:
                return f"{array.name} {row}"
            row -= array.shape_NHWC[0]
        return f"image {row}" if len(self.arrays) == 1 else f"{self.arrays[-1].name} {row}"

    def write(self, room: Room, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Write the pixels as they are, or in the size that is asked for.

        Raises: DataError if the file is damaged.
        """
        header = header_of(self.arrays[0].shape_NHWC[1:])
        notes = write_blocks(self._blocks(), header, room, sizing, on_progress=on_progress)
        return Written([header] * room.images, notes=notes)

    def _blocks(self) -> Iterator[Pixels]:
        for array in self.arrays:
            with _opened(Archive(self.path), array.name) as (file, *_):
                for rows in blocks_of(array.shape_NHWC):
                    shape_NHWC = (rows.stop - rows.start, *array.shape_NHWC[1:])
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
            _refuse_pickled(archive, name, shape, dtype)
            _check_size(archive, name, math.prod(shape) * dtype.itemsize)
            yield file, shape, columns_first, dtype
    except (*UNREADABLE, ValueError) as error:
        raise DataError(f"{archive.path}: the array {name!r} cannot be read: {error}. {expected()}") from error


def _refuse_pickled(archive: Archive, name: str, shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> None:
    if dtype.hasobject:
        raise DataError(
            f"{archive.path}: {name!r} is {_form(shape, dtype)}: pickled objects, which are not read, as they may run "
            "code. Save words with .astype(str), and images as one array with .astype('uint8')."
        )


def _check_size(archive: Archive, name: str, promised_bytes: int) -> None:
    if promised_bytes > archive.size_bytes(f"{name}.npy"):
        raise DataError(f"{archive.path}: the array {name!r} breaks off. Save it again.")


def _form(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    return f"{' × '.join(map(str, shape)) or 'a single value'} of {dtype}"
