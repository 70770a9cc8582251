"""`.npz` with `images` (N × H × W or N × H × W × C, uint8), `labels` (numbers or words) and perhaps `split` (words)."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from automl.data.containers import Archive
from automl.data.contents import Allocate, Contents, Progress, Written
from automl.data.labels import class_names_of, label_numbers, split_numbers, split_of
from automl.errors import DataError

IMAGES_AT_ONCE = 1024
CHANNELS = (1, 3)


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
        with archive.open("images.npy") as file:
            shape_NHWC = _image_header(file, self.path)
        labels = self._words(archive, "labels", shape_NHWC[0])
        splits = self._words(archive, "split", shape_NHWC[0]) if "split.npy" in names else ["train"] * len(labels)
        class_names = class_names_of(labels)
        return Contents(
            images=ArrayFileImages(self.path, shape_NHWC),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(split_of(word) for word in splits),
        )

    def _words(self, archive: Archive, name: str, images: int) -> list[str]:
        try:
            with archive.open(f"{name}.npy") as file:
                values = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.path}: the array {name!r} is refused: {error}. {_expected()}") from error
        if values.shape != (images,) or values.dtype.kind not in "iuU":
            raise DataError(
                f"{self.path}: {name!r} is {_form(values.shape, values.dtype)} for {images} images. {_expected()}"
            )
        return [str(value) for value in values]


@dataclass(frozen=True)
class ArrayFileImages:
    """The images of such a file, read in blocks."""

    path: Path
    shape_NHWC: tuple[int, int, int, int]

    def file_name(self, row: int) -> str:
        """The number of the image."""
        return f"image {row}"

    def write(self, allocate: Allocate, *, on_progress: Progress | None = None) -> Written:
        """Copy the pixels as they are.

        Raises: DataError if the file breaks off.
        """
        count, height, width, channels = self.shape_NHWC
        target_NHWC = np.load(allocate((channels, height, width)), mmap_mode="r+")
        with Archive(self.path).open("images.npy") as file:
            _image_header(file, self.path)
            for first in range(0, count, IMAGES_AT_ONCE):
                block_NHWC = target_NHWC[first : first + IMAGES_AT_ONCE]
                block_NHWC[:] = self._read(file, block_NHWC.size).reshape(block_NHWC.shape)
                if on_progress is not None:
                    on_progress(first + len(block_NHWC), count)
        return Written()

    def _read(self, file: IO[bytes], size: int) -> npt.NDArray[np.uint8]:
        try:
            pixels = np.frombuffer(file.read(size), np.uint8)
        except (EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.path}: the array 'images' is damaged: {error}. Save it again.") from error
        if len(pixels) < size:
            raise DataError(f"{self.path}: the array 'images' breaks off. Save it again.")
        return pixels


def _image_header(file: IO[bytes], path: Path) -> tuple[int, int, int, int]:
    """The shape, N × H × W × C; the file is left at the first pixel."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, columns_first, dtype = read(file)
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: the array 'images' cannot be read: {error}. {_expected()}") from error
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) != 4 or dtype != np.uint8 or shape[-1] not in CHANNELS or columns_first or 0 in shape:
        order = " in Fortran's order" if columns_first else ""
        raise DataError(f"{path}: 'images' is {_form(shape, dtype)}{order}. {_expected()}")
    return shape[0], shape[1], shape[2], shape[3]


def _form(shape: tuple[int, ...], dtype: np.dtype[np.generic]) -> str:
    return f"{' × '.join(map(str, shape)) or 'a single value'} of {dtype}"


def _expected() -> str:
    return (
        "Expected: images, N × H × W or N × H × W × C with 1 or 3 channels, uint8; labels, N numbers or words; "
        "and if wanted split, N words (train, validation, test)."
    )
