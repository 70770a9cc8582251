"""Tables on standard output; a module of its own, because rich takes a while to import."""

from __future__ import annotations

from rich.table import Table

from automl.application.console import plain_console
from automl.cli.output import writing

WIDE = 200
"""Columns of a table where there is no terminal."""


def print_table(table: Table) -> None:
    """A table on standard output, as wide as it needs to be where that is no terminal."""
    console = plain_console()
    if not console.is_terminal:
        console = plain_console(width=WIDE)
    with writing():
        console.print(table)
