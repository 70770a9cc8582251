"""Text from files and archives as it may be shown: a name that holds a control character cannot steer a terminal."""

from __future__ import annotations

import re
import shlex

_BYTES = range(0xDC80, 0xDD00)
"""How Python stands in for the bytes of a file name that are no UTF-8."""
_UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
"""Control characters, line and paragraph separators, what turns the direction of text, and halves of characters."""
_IN_TEXT = re.compile(f"[{_UNSAFE}]")
_MARKDOWN = re.compile(r"([\\`*_\[\]<>|#~$])")
_IN_LINE = re.compile(f"[{_UNSAFE}\t\n]")

FORMULA_SIGNS = tuple("=+-@＝＋－＠")
"""Beginnings of a cell that a spreadsheet computes."""


def printable(text: str) -> str:
    """`text` with what a terminal would obey, line ends and tabs apart, written as an escape."""
    return _IN_TEXT.sub(_escape, text)


def one_line(text: str) -> str:
    """`text` on one line: line ends and tabs are written as escapes, too."""
    return text if text.isprintable() else _IN_LINE.sub(_escape, text)


def csv_text(text: str) -> str:
    """`text` on one line as a cell of a CSV: an apostrophe goes before what a spreadsheet would run as a formula.

    Source: OWASP, "CSV injection".
    """
    line = one_line(text)
    return f"'{line}" if line.lstrip()[:1] in FORMULA_SIGNS else line


def shell_word(text: str) -> str:
    """`text` as one word of a command that is shown, whatever is in it; what a shell leaves alone stays as it is."""
    return shlex.quote(one_line(text))


def escaped(text: str) -> str:
    """`text` on one line as Markdown shows it unchanged."""
    return _MARKDOWN.sub(r"\\\1", one_line(" ".join(text.split())))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if code in _BYTES else found[0].encode("unicode_escape").decode("ascii")
