from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.tables.label_values import canonical_number, check_doubtful, missing_labels, unify_labels
from automl.errors import DataError


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["0", "0.0", "-0", "+0", "0e0", ".0"], ["0"] * 6),
        (["1e0", "+1", "1.", "1.00", "2"], ["1", "1", "1", "1", "2"]),
        (["0.5", ".5", "5e-1", "1"], ["0.5", "0.5", "0.5", "1"]),
        (["1.0", "2.0"], ["1", "2"]),
        (["9007199254740993", "9007199254740992"], ["9007199254740993", "9007199254740992"]),
        (["007", "012"], ["007", "012"]),  # codes, whose zeros a person would miss
        (["1.10", "1.2"], ["1.10", "1.2"]),  # versions
        (["1", "1.0", "cat"], ["1", "1", "cat"]),
        (["1.0", "cat"], ["1.0", "cat"]),  # a word among words
        (["True", "TRUE", "false", "False"], ["True", "True", "False", "False"]),
        (["true", "maybe"], ["true", "maybe"]),
        (["1e999", "1"], ["1e999", "1"]),
        (["inf", "1"], ["inf", "1"]),
    ],
)
def test_equal_labels_have_one_name(labels: Sequence[str], names: Sequence[str]) -> None:
    unified = unify_labels(labels, where="x.csv")
    assert [unified.names[label] for label in labels] == names


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3))
def test_brief_number_has_the_same_value(number: Decimal) -> None:
    assert Decimal(canonical_number(str(number))) == number
    assert canonical_number(canonical_number(str(number))) == canonical_number(str(number))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            ["1", "01", "2"],
            "x.csv: the labels '01' and '1' are equal as numbers, but not as words. Write this class in one way.",
        ),
        (
            ["1.1", "1.10"],
            "x.csv: the labels '1.1' and '1.10' are equal as numbers, but not as words. Write this class in one way.",
        ),
        (
            ["True", "1", "0"],
            "x.csv: the labels '0', '1' and 'True' mix True and False with 1 and 0. Write each class in one way.",
        ),
        (
            ["0,5", "1"],
            "x.csv: the label '0,5' may be a number with a decimal comma, or two labels. "
            "Write numbers with a point, and classes in words.",
        ),
    ],
)
def test_labels_in_doubt_are_refused(labels: Sequence[str], message: str) -> None:
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        unify_labels(labels, where="x.csv")


def test_labels_that_differ_in_case_are_noted() -> None:
    assert unify_labels(["Cat", "cat", "dog"], where="x.csv").notes == (
        "the labels 'Cat' and 'cat' differ in their case only: they are 2 classes",
    )


def test_commas_among_words_are_words() -> None:
    assert unify_labels(["1,2", "cat"], where="x.csv").names == {"1,2": "1,2", "cat": "cat"}


def test_what_says_that_there_is_no_label_depends_on_the_others() -> None:
    assert missing_labels(["cat", "", "nan", "None", "none"]) == {"", "nan"}
    assert missing_labels(["1", "", "NaN", "None", "2.0"]) == {"", "NaN", "None"}
    check_doubtful(["cat", "none"], where="x.csv", named=str)
