"""Images, labels and splits that a Python program holds, as one file under the home, named by its content.

<home>/arrays/arrays-<hash>.npz      images, labels, class_names and split, as the source of `.npz` files reads them

Workers, other machines and later searches read it like any other data. The same content is written once.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from automl.data.disk_space import disk_errors
from automl.data.in_memory.batch_shapes import in_words
from automl.data.in_memory.given_labels import GivenLabels, take_known_labels, take_labels
from automl.data.in_memory.image_batches import ImageBatch, take_array, take_arrays
from automl.data.in_memory.picture_lists import is_picture, take_pictures
from automl.data.sizing import AUTO, Sizing
from automl.data.split_names import SPLITS, SplitName
from automl.errors import ArrayError
from automl.private_folders import make_private

Labelled: TypeAlias = "tuple[Any, Any]"
"""Images and their labels."""
HASH_LETTERS = 16


@dataclass(frozen=True)
class ArrayData:
    """Images of all given splits with their labels."""

    batches: tuple[ImageBatch, ...]
    """Images of each split."""
    labels: GivenLabels
    """Labels of all of them, one split after another."""
    splits: tuple[SplitName, ...]
    """The split of each batch."""

    def store(self, home: Path) -> Path:
        """Write the file under `home`, unless it is there, and return its path.

        Raises: ArrayError for pixels that are no finite numbers; DataError if it cannot be written.
        """
        folder = home / "arrays"
        path = folder / f"arrays-{self._hash()}.npz"
        if path.exists():
            return path
        unfinished = folder / f".{os.getpid()}.{path.name}"
        with disk_errors(folder, needed_bytes=self._size_bytes()):
            make_private(folder)
            try:
                self._write(unfinished)
                unfinished.replace(path)
            finally:
                unfinished.unlink(missing_ok=True)
        return path

    def _hash(self) -> str:
        shapes = [(split, batch.shape_NHWC) for split, batch in zip(self.splits, self.batches, strict=True)]
        head = [shapes, self.batches[0].dtype.str, self.labels.class_names]
        digest = hashlib.sha256(json.dumps(head).encode())
        digest.update(self.labels.numbers_N.astype("<i8").tobytes())
        for block_NHWC in self._blocks():
            digest.update(block_NHWC.data)
        return digest.hexdigest()[:HASH_LETTERS]

    def _blocks(self) -> Iterator[npt.NDArray[Any]]:
        for batch in self.batches:
            yield from batch.blocks()

    def _counts(self) -> list[int]:
        return [batch.shape_NHWC[0] for batch in self.batches]

    def _size_bytes(self) -> int:
        images = sum(self._counts()), *self.batches[0].shape_NHWC[1:]
        return int(np.prod(images, dtype=np.int64)) * self.batches[0].dtype.itemsize

    def _write(self, path: Path) -> None:
        shape_NHWC = (sum(self._counts()), *self.batches[0].shape_NHWC[1:])
        with path.open("wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                _write_array(archive, "images", shape_NHWC, self.batches[0].dtype, self._blocks())
                for name, array in self._small_arrays().items():
                    _write_array(archive, name, array.shape, array.dtype, [array])
            file.flush()
            os.fsync(file.fileno())

    def _small_arrays(self) -> dict[str, npt.NDArray[Any]]:
        arrays: dict[str, npt.NDArray[Any]] = {
            "labels": self.labels.numbers_N.astype("<i8"),
            "class_names": np.array(self.labels.class_names),
        }
        if len(self.splits) > 1:
            arrays["split"] = np.repeat(np.array(self.splits), self._counts())
        return arrays


def take_arrays_and_labels(
    given: Labelled, *, validation: Labelled | None = None, test: Labelled | None = None, sizing: Sizing = AUTO
) -> ArrayData:
    """Check images and labels of train, and of the splits that are given beside them.

    `sizing`: how PIL images of many sizes come to one; arrays are brought to a size later, as files are.

    Raises: ArrayError with what is wrong.
    """
    parts = {split: part for split, part in zip(SPLITS, (given, validation, test), strict=True) if part is not None}
    names = {split: ("X", "y") if split == "train" else (f"X of {split}", f"y of {split}") for split in parts}
    for split, part in parts.items():
        _check_pair(part, split)
    images = [part[0] for part in parts.values()]
    batches = take_images(images, [name for name, _ in names.values()], sizing)
    counts = dict(zip(parts, (batch.shape_NHWC[0] for batch in batches), strict=True))
    labels = take_labels(given[1], images=counts["train"], name="y")
    numbers = [labels.numbers_N] + [
        take_known_labels(parts[split][1], labels.classes_K, images=counts[split], name=names[split][1])
        for split in parts
        if split != "train"
    ]
    together = GivenLabels(labels.classes_K, labels.class_names, np.concatenate(numbers))
    return ArrayData(tuple(batches), together, tuple(parts))


def take_images(images: Sequence[Any], names: Sequence[str], sizing: Sizing = AUTO) -> list[ImageBatch]:
    """Images of one or several splits as batches of one shape and type.

    Raises: ArrayError if they are no images, or differ.
    """
    items = [items_of(one) for one in images]
    lists = [found for found in items if found is not None and found and is_picture(found[0])]
    if len(lists) == len(images):
        for found, name in zip(lists, names, strict=True):
            _check_all_pictures(found, name)
        batches = take_pictures(lists, names, sizing)
    else:
        batches = [_batch(one, found, name) for one, found, name in zip(images, items, names, strict=True)]
    _check_alike(batches, names)
    return batches


def _batch(images: Any, items: Sequence[Any] | None, name: str) -> ImageBatch:
    if items is None:
        return take_array(images, name=name)
    if not items:
        raise ArrayError(f"{name} is empty: there is no image in it. Give at least two of each class.")
    if is_picture(items[0]):
        raise ArrayError(f"{name} is a list of pictures, and the other splits are arrays. Give all in one form.")
    if any(is_picture(item) for item in items):
        raise ArrayError(f"{name} mixes arrays and PIL images or paths. Give all in one form.")
    if hasattr(items[0], "shape") and len(items[0].shape) >= 2:
        return take_arrays(items, name=name)
    return take_array(list(items), name=name)


def items_of(images: Any) -> Sequence[Any] | None:
    """The single images of a list or of an array of objects; None of one array."""
    if isinstance(images, list | tuple):
        return images
    kind = getattr(getattr(images, "dtype", None), "kind", "")
    return list(images) if getattr(images, "ndim", 0) == 1 and kind in ("O", "U", "T") else None


def _check_pair(part: object, split: SplitName) -> None:
    if not isinstance(part, tuple | list) or len(part) != 2:
        name = "data" if split == "train" else split
        raise ArrayError(f"{name} is {type(part).__name__}: give a pair of images and labels, {name}=(X, y).")


def _check_all_pictures(items: Sequence[Any], name: str) -> None:
    for row, item in enumerate(items):
        if not is_picture(item):
            raise ArrayError(
                f"{name}[{row}] is {type(item).__name__}, and {name}[0] is {type(items[0]).__name__}. "
                "Give PIL images and paths alone, or arrays alone."
            )


def _check_alike(batches: Sequence[ImageBatch], names: Sequence[str]) -> None:
    first = batches[0]
    for batch, name in zip(batches[1:], names[1:], strict=True):
        if (batch.shape_NHWC[1:], batch.dtype) != (first.shape_NHWC[1:], first.dtype):
            raise ArrayError(
                f"{name} has images of {in_words(batch.shape_NHWC[1:])} of {batch.dtype}, and {names[0]} of "
                f"{in_words(first.shape_NHWC[1:])} of {first.dtype}. Bring them to one shape and type."
            )


def _write_array(
    archive: zipfile.ZipFile,
    name: str,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    blocks: Iterator[npt.NDArray[Any]] | Sequence[npt.NDArray[Any]],
) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
        header = {"descr": dtype.str, "fortran_order": False, "shape": tuple(shape)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            file.write(block.reshape(-1).view(np.uint8).data)
