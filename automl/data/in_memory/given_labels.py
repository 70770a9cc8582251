"""Labels of any type as indices of their classes, which are in the order of numpy.unique. N labels, K classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.in_memory.batch_shapes import in_words
from automl.data.in_memory.image_batches import as_numpy
from automl.data.labels import normalize_label
from automl.errors import ArrayError

KINDS = "biufUSOT"


@dataclass(frozen=True)
class GivenLabels:
    """Labels of N images."""

    classes_K: npt.NDArray[Any]
    """The labels themselves, each once, in their own type and sorted."""
    class_names: tuple[str, ...]
    """The same in words, each of them different."""
    numbers_N: npt.NDArray[np.int64]
    """Index of each image's class."""


def take_labels(y: object, *, images: int, name: str) -> GivenLabels:
    """Labels of so many images: words, numbers, truths, or what pandas keeps of them.

    Raises: ArrayError if they are no labels, of another number than the images, or all the same.
    """
    values_N = _column(y, name)
    if len(values_N) != images:
        raise ArrayError(f"{name} has {len(values_N):,} labels for {images:,} images. Give one label an image.")
    classes_K, numbers_N = _unique(values_N, name)
    if len(classes_K) == 1:
        raise ArrayError(
            f"{name} has only one class, {classes_K.tolist()[0]!r}: a classifier needs at least two. "
            "Give images of another."
        )
    names = tuple(class_name(value) for value in classes_K.tolist())
    _check_names(names, classes_K, name)
    return GivenLabels(classes_K, names, numbers_N.astype(np.int64))


def take_known_labels(y: object, classes_K: npt.NDArray[Any], *, images: int, name: str) -> npt.NDArray[np.int64]:
    """Indices of labels whose classes are known already: those of another split.

    Raises: as `take_labels`, and for a label that is none of the classes.
    """
    values_N = _column(y, name)
    if len(values_N) != images:
        raise ArrayError(f"{name} has {len(values_N):,} labels for {images:,} images. Give one label an image.")
    number = {value: index for index, value in enumerate(classes_K.tolist())}
    foreign = [value for value in values_N.tolist() if value not in number]
    if foreign:
        raise ArrayError(
            f"{name} has the label {foreign[0]!r}, which no training image has. Give training images of it, or leave "
            "it out."
        )
    return np.array([number[value] for value in values_N.tolist()], np.int64)


def class_name(value: object) -> str:
    """A label in words: 2.0 as 2."""
    if isinstance(value, bytes):
        return normalize_label(value.decode("utf-8", errors="backslashreplace"))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return normalize_label(str(value))


def _column(y: object, name: str) -> npt.NDArray[Any]:
    """The labels in one dimension, none of them missing."""
    import pandas as pd  # half a second, and whoever predicts does without

    if y is None:
        raise ArrayError(
            f"ImageClassifier requires y to be passed, but the target {name} is None. "
            "Give a label for each image; a folder alone has its own."
        )
    values_N = as_numpy(y)
    if values_N.ndim == 2 and values_N.shape[1] == 1:
        values_N = values_N[:, 0]
    if values_N.ndim != 1:
        advice = f" Of one-hot rows give {name}.argmax(axis=1)." if values_N.ndim == 2 else ""
        raise ArrayError(f"{name} is {in_words(values_N.shape)}: bad input shape for labels, which are N.{advice}")
    if values_N.dtype.kind not in KINDS:
        raise ArrayError(f"{name} is of type {values_N.dtype}, and labels are words, numbers or truths. Convert them.")
    missing_N = np.asarray(pd.isna(values_N))
    if missing_N.any():
        raise ArrayError(
            f"{name} contains NaN or None: {int(missing_N.sum()):,} images have no label (first: "
            f"{name}[{int(missing_N.argmax())}]). Leave these images out."
        )
    _refuse_measured(values_N, name)
    return values_N


def _refuse_measured(values_N: npt.NDArray[Any], name: str) -> None:
    if values_N.dtype.kind != "f":
        return
    if np.isinf(values_N).any():
        raise ArrayError(f"{name} contains infinity, which is no class. Leave these images out.")
    measured = values_N[values_N != np.rint(values_N)]
    if len(measured):
        raise ArrayError(
            f"{name} has numbers such as {measured[0]:g}. Unknown label type: continuous. "
            "A classifier learns classes: give words or whole numbers, or numpy.digitize them."
        )


def _unique(values_N: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    try:
        classes_K, numbers_N = np.unique(values_N, return_inverse=True)
    except TypeError as error:  # no order among them
        kinds = sorted({type(value).__name__ for value in values_N.tolist()})
        raise ArrayError(
            f"{name} mixes labels of the types {', '.join(kinds)}, which have no order. Give all of them in one type: "
            "[str(label) for label in labels]."
        ) from error
    return classes_K, numbers_N


def _check_names(names: Sequence[str], classes_K: npt.NDArray[Any], name: str) -> None:
    """Raise: ArrayError if a class has no name, or two have one."""
    count = Counter(names)
    for word, value in zip(names, classes_K.tolist(), strict=True):
        if not word:
            raise ArrayError(f"{name} has the label {value!r}, in which nothing is visible. Give the class a name.")
        if count[word] > 1:
            twins = [other for other, known in zip(classes_K.tolist(), names, strict=True) if known == word]
            raise ArrayError(
                f"{name} has the labels {' and '.join(map(repr, twins))}, which look the same. Give each its own name."
            )
