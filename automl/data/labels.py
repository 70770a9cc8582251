"""Words to numbers: labels by their class names, splits by what people call them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from automl.data.split_names import SPLITS, SplitName
from automl.errors import DataError
from automl.sanitize import one_line

SPLIT_WORDS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
NUMBER = re.compile(r"[+-]?\d{1,300}(\.\d{0,300})?")
LONGEST_WORD = 40
"""Characters of one that a message repeats."""
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
"""Characters without a width, which `str.strip` leaves."""
FER2013 = "fer2013"
"""Name of the set, whatever its file is called."""
FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""Class names in Kaggle's numbering."""
FER2013_SPLITS: dict[str, SplitName] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def normalize_label(label: str) -> str:
    """The class name that a label or a folder's name stands for, on one line; empty where nothing is visible.

    The two Unicode forms of an accent become the composed one (NFC), and blanks around the name go.
    """
    return one_line(unicodedata.normalize("NFC", _without_margin(label)))


def _without_margin(label: str) -> str:
    while (bare := label.strip().strip(INVISIBLE)) != label:
        label = bare
    return bare


def class_names_of(labels: Iterable[str]) -> tuple[str, ...]:
    """All different labels, sorted: as numbers if they all are, else as words."""
    names = set(labels)
    numbers = all(map(is_number, names))
    return tuple(sorted(names, key=lambda name: (float(name), name) if numbers else (0, name)))


def is_number(label: str) -> bool:
    """Whether a label reads as a finite number: 7, -1, 2.0."""
    return NUMBER.fullmatch(label) is not None


def label_numbers(labels: Iterable[str], class_names: Sequence[str]) -> npt.NDArray[np.int64]:
    """The index of each label among the class names."""
    number = {name: index for index, name in enumerate(class_names)}
    return np.array([number[label] for label in labels], np.int64)


def split_numbers(splits: Iterable[SplitName]) -> npt.NDArray[np.int8]:
    """The index of each split in SPLITS."""
    number = {name: index for index, name in enumerate(SPLITS)}
    return np.array([number[split] for split in splits], np.int8)


def split_of(word: str, *, where: str) -> SplitName:
    """The split that a person means; `where` it stands, for the message.

    Raises: DataError if it is none.
    """
    split = SPLIT_WORDS.get(word.strip().lower())
    if split is None:
        raise DataError(f"{where}: {word[:LONGEST_WORD]!r} is no split. Known: {', '.join(SPLIT_WORDS)}.")
    return split
