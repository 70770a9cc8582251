from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.sanitize import one_line, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("猫 кошка قطة 😀", "猫 кошка قطة 😀"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("a\0b\x9b2J", r"a\x00b\x9b2J"),
        ("gpj.\u202etac", r"gpj.\u202etac"),
        (b"lat\xe9".decode(errors="surrogateescape"), r"lat\xe9"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_written_as_an_escape(name: str, shown: str) -> None:
    assert one_line(name) == shown


def test_text_keeps_its_lines_and_tabs() -> None:
    assert printable("one\n\ttwo\x07") == "one\n\ttwo\\x07"


@given(text=st.text(st.characters()))
def test_nothing_is_left_that_steers_a_terminal_or_cannot_be_written(text: str) -> None:
    for shown, kept in ((one_line(text), ""), (printable(text), "\n\t")):
        assert all(unicodedata.category(letter) not in ("Cc", "Cs") or letter in kept for letter in shown)
        shown.encode()
    assert one_line(one_line(text)) == one_line(text)
