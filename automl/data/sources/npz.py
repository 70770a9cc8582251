"""`.npz` with images (N × H × W or N × H × W × C, uint8) and labels (numbers or words), of all splits or of each."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.data.decoding.arrays import Pixels, blocks_of, header_of, write_blocks
from automl.data.decoding.containers import Archive
from automl.data.disk_space import PixelFile
from automl.data.labels import class_names_of, label_numbers, split_numbers, split_of
from automl.data.sizing import Sizing
from automl.data.source_contents import Progress, SourceContents, Written
from automl.data.sources.array_names import SPLIT, Part, expected, find_parts
from automl.data.sources.npz_arrays import form_of, open_array
from automl.data.sources.npz_labels import read_labels, read_words
from automl.data.split_names import SplitName
from automl.data.tables.label_values import unify_labels
from automl.errors import DataError
from automl.sanitize import one_line

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

    def contents(self) -> SourceContents:
        """Labels and splits from their arrays; the images are only looked at.

        Raises: DataError if an array is missing, of another form, or pickled.
        """
        archive = Archive(self.path)
        names = {file.name.removesuffix(".npy") for file in archive.files()}
        parts = find_parts(names, where=str(self.path))
        images = [_image_array(archive, part.images) for part in parts]
        if len({array.shape_NHWC[1:] for array in images}) > 1:
            sizes = " and ".join(
                f"{array.name!r} of {form_of(array.shape_NHWC, np.dtype(np.uint8))}" for array in images
            )
            raise DataError(f"{self.path} has images of several shapes: {sizes}. Bring them to one.")
        labels = [
            label
            for part, array in zip(parts, images, strict=True)
            for label in read_labels(archive, part.labels, array.shape_NHWC[0])
        ]
        unified = unify_labels(labels, where=str(self.path))
        labels = [unified.names[label] for label in labels]
        class_names = class_names_of(labels)
        used = {name for part in parts for name in (part.images, part.labels, SPLIT if part.split is None else "")}
        return SourceContents(
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
            words = read_words(archive, SPLIT, images[0].shape_NHWC[0])
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
    with open_array(archive, name) as (_, shape, columns_first, dtype):
        problem = _image_problem(shape, columns_first, dtype)
        if problem is not None:
            raise DataError(f"{archive.path}: {name!r} is {form_of(shape, dtype)}{problem}. {expected()}")
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


def _unread_note(names: Collection[str]) -> tuple[str, ...]:
    return (f"arrays that are not read: {', '.join(map(one_line, sorted(names)))}",) if names else ()


@dataclass(frozen=True)
class ArrayFileImages:
    """The images of such a file, array by array, read in blocks."""

    path: Path
    arrays: tuple[ImageArray, ...]
    """Arrays of images, all of one height, width and number of channels."""

    def file_name(self, row: int) -> str:
        """The number of the image, and its array where there are several."""
        for array in self.arrays[:-1]:
            if row < array.shape_NHWC[0]:
                return f"{array.name} {row}"
            row -= array.shape_NHWC[0]
        return f"image {row}" if len(self.arrays) == 1 else f"{self.arrays[-1].name} {row}"

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Write the pixels as they are, or in the size that is asked for.

        Raises: DataError if the file is damaged.
        """
        header = header_of(self.arrays[0].shape_NHWC[1:])
        notes = write_blocks(self._blocks(), header, pixel_file, sizing, on_progress=on_progress)
        return Written([header] * pixel_file.images, notes=notes)

    def _blocks(self) -> Iterator[Pixels]:
        for array in self.arrays:
            with open_array(Archive(self.path), array.name) as (file, *_):
                for rows in blocks_of(array.shape_NHWC):
                    shape_NHWC = (rows.stop - rows.start, *array.shape_NHWC[1:])
                    yield np.frombuffer(file.read(math.prod(shape_NHWC)), np.uint8).reshape(shape_NHWC)
