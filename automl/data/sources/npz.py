"""`.npz` with images (N × H × W or N × H × W × C) and labels (numbers or words), of all splits or of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from automl.data.decoding.containers import Archive
from automl.data.labels import class_names_of, label_numbers, split_numbers, split_of
from automl.data.source_contents import SourceContents
from automl.data.sources.array_names import SPLIT, Part, expected, find_parts
from automl.data.sources.npz_arrays import form_of, open_array
from automl.data.sources.npz_images import ArrayFileImages, ImageArray
from automl.data.sources.npz_labels import CLASS_NAMES, read_labels, read_named_labels, read_words
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
        self._check_alike(images)
        counts = [array.shape_NHWC[0] for array in images]
        class_names, labels, notes = self._labels(archive, parts, counts, has_names=CLASS_NAMES in names)
        used = {name for part in parts for name in (part.images, part.labels, SPLIT if part.split is None else "")}
        used |= {CLASS_NAMES} if CLASS_NAMES in names else set()
        return SourceContents(
            images=ArrayFileImages(self.path, tuple(images)),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(self._splits(archive, parts, images, has_words=SPLIT in names)),
            notes=(*notes, *_unread_note(names - used)),
        )

    def _check_alike(self, images: Sequence[ImageArray]) -> None:
        """Raise: DataError if the arrays of images differ in more than their number."""
        if len({array.shape_NHWC[1:] for array in images}) > 1 or len({array.dtype for array in images}) > 1:
            sizes = " and ".join(f"{array.name!r} of {form_of(array.shape_NHWC, array.dtype)}" for array in images)
            kind = "shapes" if len({array.shape_NHWC[1:] for array in images}) > 1 else "types"
            raise DataError(f"{self.path} has images of several {kind}: {sizes}. Bring them to one.")

    def _labels(
        self, archive: Archive, parts: Sequence[Part], counts: Sequence[int], *, has_names: bool
    ) -> tuple[tuple[str, ...], list[str], tuple[str, ...]]:
        """Class names, the name of each image's class, and notes on them."""
        if has_names:
            return read_named_labels(archive, [part.labels for part in parts], counts)
        labels = [
            label
            for part, count in zip(parts, counts, strict=True)
            for label in read_labels(archive, part.labels, count)
        ]
        unified = unify_labels(labels, where=str(self.path))
        labels = [unified.names[label] for label in labels]
        return class_names_of(labels), labels, unified.notes

    def _splits(
        self, archive: Archive, parts: Sequence[Part], images: Sequence[ImageArray], *, has_words: bool
    ) -> list[SplitName]:
        if has_words and parts[0].split is None:
            words = read_words(archive, SPLIT, images[0].shape_NHWC[0])
            return [split_of(word, where=f"{self.path}: image {row}") for row, word in enumerate(words)]
        return [
            part.split or "train" for part, array in zip(parts, images, strict=True) for _ in range(array.shape_NHWC[0])
        ]


def _image_array(archive: Archive, name: str) -> ImageArray:
    with open_array(archive, name) as (_, shape, columns_first, dtype):
        problem = _image_problem(shape, columns_first, dtype)
        if problem is not None:
            raise DataError(f"{archive.path}: {name!r} is {form_of(shape, dtype)}{problem}. {expected()}")
    shape = (*shape, 1) if len(shape) == 3 else shape
    return ImageArray(name, (shape[0], shape[1], shape[2], shape[3]), dtype)


def _image_problem(shape: tuple[int, ...], columns_first: bool, dtype: np.dtype[np.generic]) -> str | None:
    """What is wrong with the form of an array of images, as a message's end; None if nothing is."""
    if columns_first:
        return " in Fortran's order, which numpy.ascontiguousarray changes"
    if len(shape) == 4 and shape[3] not in CHANNELS and shape[1] in CHANNELS:
        return ", with the channels first, which .transpose(0, 2, 3, 1) changes"
    is_known = len(shape) in (3, 4) and (len(shape) == 3 or shape[3] in CHANNELS)
    return None if is_known and dtype.kind in "buif" and 0 not in shape else ""


def _unread_note(names: Collection[str]) -> tuple[str, ...]:
    return (f"arrays that are not read: {', '.join(map(one_line, sorted(names)))}",) if names else ()
