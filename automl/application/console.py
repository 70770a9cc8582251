"""How text looks on a terminal: consoles and tables that take it as it is.

Rich would take `[red]` and `:cat:` in a class's name for its own markup, so no text of ours is read as such.
"""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.style import StyleType
from rich.table import Table
from typing_extensions import override

from automl.sanitize import one_line


def plain_console(*, stderr: bool = False, width: int | None = None) -> Console:
    """A console that takes text as it is."""
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)


class TextTable(Table):
    """A table whose cells are text as it is."""

    @override
    def add_row(self, *cells: RenderableType | None, style: StyleType | None = None, end_section: bool = False) -> None:
        """Append a row, its text sanitized."""
        shown = (one_line(cell) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*shown, style=style, end_section=end_section)
