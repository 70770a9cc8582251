from __future__ import annotations

import pytest

from automl.data.sources.split_words import SplitWord, split_word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("train", SplitWord("train", ())),
        ("TRAIN", SplitWord("train", ())),
        ("training_set", SplitWord("train", ())),
        ("testset", SplitWord("test", ())),
        ("Testing Data", SplitWord("test", ())),
        ("01_train", SplitWord("train", ())),
        ("val2017", SplitWord("validation", ())),
        ("valid-set", SplitWord("validation", ())),
        ("TestImages", SplitWord("test", ())),
        ("X_train", SplitWord("train", ())),
        ("xtest", SplitWord("test", ())),
        ("seg_train", SplitWord("train", ("seg",))),
        ("trainA", SplitWord("train", ("a",))),
        ("strain", None),
        ("latest", None),
        ("train_test", None),
        ("cat", None),
        ("2017", None),
    ],
)
def test_split_is_found_among_the_words_of_a_name(name: str, word: SplitWord | None) -> None:
    assert split_word(name) == word
