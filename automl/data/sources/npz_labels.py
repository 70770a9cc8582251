"""Labels and splits in the arrays of a `.npz` file: numbers, words or one-hot rows, as words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automl.data.decoding.containers import Archive
from automl.data.labels import normalize_label
from automl.data.sources.array_names import expected
from automl.data.sources.npz_arrays import form_of, open_array
from automl.data.tables.label_values import check_doubtful, missing_labels
from automl.errors import DataError

CLASS_NAMES = "class_names"
"""Array of the classes' names, where the labels are their indices."""
LONGEST_BYTES = 4096
"""Largest size of a word: no class needs a longer name, and an array of longer ones may take any memory."""
LARGEST_WHOLE = 2**53
"""Largest whole number up to which a float64 has them all."""


def read_labels(archive: Archive, name: str, images: int) -> list[str]:
    """Labels in words: numbers, words, or one-hot rows, of which each is the index of its 1.

    Raises: DataError if the array has another form, or an image no label.
    """
    words = read_words(archive, name, images)
    if missing := missing_labels(words):
        raise _without_words(archive, name, [row for row, word in enumerate(words) if word in missing])
    check_doubtful(words, where=f"{archive.path}: {name!r}", named=lambda row: f"image {row}")
    return words


def read_named_labels(
    archive: Archive, arrays: Sequence[str], counts: Sequence[int]
) -> tuple[tuple[str, ...], list[str], tuple[str, ...]]:
    """Class names as the array `class_names` gives them, the name of each image's class, and notes (none).

    `arrays`: of labels, which are indices of the names. `counts`: their images.

    Raises: DataError if a name is none or there twice, or a label is no index of one.
    """
    with open_array(archive, CLASS_NAMES) as (_, shape, *_):
        words = read_words(archive, CLASS_NAMES, math.prod(shape))
    known = {str(index): word for index, word in enumerate(words)}
    if len(set(words)) < len(words):
        raise DataError(f"{archive.path}: {CLASS_NAMES!r} has a name twice. Give each class one of its own.")
    labels = [word for name, count in zip(arrays, counts, strict=True) for word in read_words(archive, name, count)]
    if foreign := sorted(set(labels) - known.keys()):
        raise DataError(
            f"{archive.path}: the label {foreign[0]!r} is no index of {CLASS_NAMES!r}, which has {len(words)} names. "
            f"Save labels from 0 to {len(words) - 1}, or leave {CLASS_NAMES!r} out."
        )
    used = set(labels)
    return tuple(name for index, name in known.items() if index in used), [known[label] for label in labels], ()


def read_words(archive: Archive, name: str, images: int) -> list[str]:
    """A word for each image, of numbers, words or one-hot rows.

    Raises: DataError if the array has another form, or an image no word.
    """
    with open_array(archive, name) as (file, shape, columns_first, dtype):
        is_one_hot = len(shape) == 2 and shape[0] == images and shape[1] > 1 and dtype.kind in "biuf"
        if not is_one_hot and (
            shape not in ((images,), (images, 1)) or dtype.kind not in "biufSU" or dtype.itemsize > LONGEST_BYTES
        ):
            raise DataError(f"{archive.path}: {name!r} is {form_of(shape, dtype)} for {images} images. {expected()}")
        values = np.frombuffer(file.read(math.prod(shape) * dtype.itemsize), dtype)
        if is_one_hot:
            values_NK = values.reshape(shape, order="F" if columns_first else "C")
            return [str(label) for label in _indices_of_ones(values_NK, f"{archive.path}: {name!r}")]
        words = _as_words(values)
    if missing := [row for row, word in enumerate(words) if not word]:
        raise _without_words(archive, name, missing)
    return words


def _indices_of_ones(values_NK: npt.NDArray[np.generic], where: str) -> list[int]:
    """The class of each one-hot row.

    Raises: DataError if a row has not one 1 among zeros.
    """
    ones_NK = values_NK == 1
    wrong = np.flatnonzero((ones_NK.sum(axis=1) != 1) | ~(ones_NK | (values_NK == 0)).all(axis=1))
    if len(wrong):
        raise DataError(
            f"{where} is {form_of(values_NK.shape, values_NK.dtype)}: image {wrong[0]} has not one 1 among zeros. "
            "A classifier takes one class an image: save N numbers or words."
        )
    indices: list[int] = ones_NK.argmax(axis=1).tolist()
    return indices


def _without_words(archive: Archive, name: str, rows: Sequence[int]) -> DataError:
    about = f"{len(rows)} images (first: image {rows[0]})"
    return DataError(f"{archive.path}: {name!r} says nothing of {about}. Leave them out.")


def _as_words(values_N: npt.NDArray[np.generic]) -> list[str]:
    """Numbers and words as text: 2.0 as 2, what is no number as nothing.

    Raises: ValueError if bytes are no UTF-8.
    """
    if values_N.dtype.kind == "S":
        return [normalize_label(word) for word in np.char.decode(values_N.astype(np.bytes_), "utf-8").tolist()]
    if values_N.dtype.kind == "f":
        return [_number_word(value) for value in values_N.astype(np.float64).tolist()]
    return [normalize_label(str(value)) for value in values_N]


def _number_word(value: float) -> str:
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < LARGEST_WHOLE else repr(value)
