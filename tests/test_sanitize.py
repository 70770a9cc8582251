from __future__ import annotations

import re
import shlex
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.cli.main import COMMANDS
from automl.sanitize import csv_text, one_line, printable, shell_word
from tests.conftest import ROOT


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


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", " =", "\uff1d", "\u2003@"])
def test_no_cell_of_a_csv_is_a_formula(sign: str) -> None:
    assert csv_text(f"{sign}HYPERLINK(1)") == f"'{sign}HYPERLINK(1)"
    assert csv_text(f"a{sign}1") == f"a{sign}1"


@given(st.text())
def test_a_word_of_a_shown_command_is_one_word_of_a_shell_on_one_line(text: str) -> None:
    assert shlex.split(shell_word(text)) == [one_line(text)]
    assert "\n" not in shell_word(text)


COMMAND = re.compile(r"(?:automl|command\}) (?:%s) [^\"'`]*" % "|".join(COMMANDS))  # noqa: UP031 braces are plenty
HARMLESS = re.compile(
    r"\{(?:shell_word\(.*?\)|trial\.number|claim\.number|number|options\.\w+|RECIPE_FILE|name|data|reference)\}"
)
"""`name`, `data` and `reference` of the report and of a recipe are words already."""


def test_every_command_that_is_shown_quotes_what_it_names() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sorted((ROOT / "automl").rglob("*.py"))
        for found in COMMAND.finditer(path.read_text("utf-8"))
        if "{" in HARMLESS.sub("", found[0])
    ]
    assert bare == []
