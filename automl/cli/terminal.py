"""All that goes to standard output and standard error for people: legible, whatever names it holds.

Rich would take `[red]` and `:cat:` in a class's name for its own markup, so no text of ours is read as such.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable

from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Table
from typing_extensions import override

from automl.legible import one_line, printable

WIDE = 200
"""Columns of a table where there is no terminal."""


def accept_any_text() -> None:
    """From now on write a character that the encoding of the output lacks as an escape, instead of ending."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write_line(text: str = "", *, flush: bool = False) -> None:
    """A line of the command's answer, on standard output."""
    print(printable(text), flush=flush)


def tell(text: str) -> None:
    """A line for people beside the answer, on standard error."""
    print(printable(text), file=sys.stderr, flush=True)


def print_json(document: object) -> None:
    """The one JSON document of a command, in ASCII."""
    json.dump(document, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


def print_csv(rows: Iterable[Iterable[object]]) -> None:
    """Rows of comma-separated values."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for row in rows:
        writer.writerow([one_line(value) if isinstance(value, str) else value for value in row])


def print_table(table: Table) -> None:
    """A table on standard output, as wide as it needs to be where that is no terminal."""
    console = plain_console()
    if not console.is_terminal:
        console = plain_console(width=WIDE)
    console.print(table)


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that takes text as it is."""
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


class TextTable(Table):
    """A table whose cells are text as it is."""

    @override
    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        """Append a row, its text made legible."""
        shown = (one_line(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, style=style, end_section=end_section)
