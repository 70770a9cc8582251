"""The split that a folder's name speaks of: `train`, `01_train`, `Training Data`, `X_train`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from automl.data.labels import SPLIT_WORDS, normalize_label
from automl.data.split_names import SplitName

FILLERS = frozenset(
    (
        *("data", "dataset", "datasets", "set", "sets", "split", "splits", "file", "files", "folder", "folders"),
        *("image", "images", "img", "imgs", "picture", "pictures", "pics", "photo", "photos", "sample", "samples"),
        *("jpg", "jpeg", "png", "zip", "x", "v"),
    )
)
"""Words without meaning beside a split's: `train_images`, `Training Data`."""
UNLABELLED = frozenset(
    (
        *("pred", "preds", "predict", "prediction", "predictions", "inference", "submission", "submissions"),
        *("unlabeled", "unlabelled"),
    )
)
"""Words for images that wait for their labels."""
_SPLIT_WORD = re.compile(
    f"x?({'|'.join(sorted(SPLIT_WORDS, key=len, reverse=True))})(?:set|sets|data|dataset|images|imgs|img|pics)?"
)
_CAMEL = re.compile("(?<=[a-z])(?=[A-Z])")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class SplitWord:
    """The split that a folder's name speaks of."""

    split: SplitName
    rest: tuple[str, ...]
    """Other words of the name, without fillers and numbers: `seg` of `seg_train`."""


def split_word(name: str) -> SplitWord | None:
    """The split in a folder's name: of `train`, `01_train`, `seg_train`, `trainset`, `Training Data`, `X_train`.

    None where there is none, or more than one.
    """
    words = words_of(name)
    splits = {SPLIT_WORDS[found[1]] for word in words if (found := _SPLIT_WORD.fullmatch(word))}
    if len(splits) != 1:
        return None
    rest = tuple(word for word in words if word not in FILLERS and not _SPLIT_WORD.fullmatch(word))
    return SplitWord(splits.pop(), rest)


def words_of(name: str) -> list[str]:
    """The letters of the name in small words, without numbers."""
    return _LETTERS.findall(_CAMEL.sub(" ", normalize_label(name)).lower())
