from __future__ import annotations

import pytest

from automl.data.labels import class_names_of, normalize_label


@pytest.mark.parametrize(
    "label",
    ["caf\u00e9", "cafe\u0301", "caf\u00e9 ", "\u3000caf\u00e9\t", "\ufeffcafe\u0301\u00a0", " \u200b caf\u00e9"],
)
def test_spellings_that_look_alike_are_one_label(label: str) -> None:
    assert normalize_label(label) == "caf\u00e9"


def test_spellings_that_look_different_are_different_labels() -> None:
    labels = ["cat", "Cat", "c at", "\u00b2", "2", "a\tb", "\uff12"]
    assert len({normalize_label(label) for label in labels}) == len(labels)


def test_label_of_blanks_is_empty() -> None:
    assert normalize_label(" \u200b\u00a0") == ""


def test_control_characters_and_bytes_that_are_no_text_are_escaped() -> None:
    assert normalize_label("a\nb\udcff") == "a\\nb\\xff"


def test_numbers_are_sorted_as_numbers_and_words_as_words() -> None:
    assert class_names_of(["10", "2", "1"]) == ("1", "2", "10")
    assert class_names_of(["10", "2", "one"]) == ("10", "2", "one")
