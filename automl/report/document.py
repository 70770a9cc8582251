"""Content of a report, before it is Markdown or HTML: sections of sentences, tables, commands and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import plotly.graph_objects as go
from matplotlib.figure import Figure


@dataclass(frozen=True)
class Paragraph:
    """Sentences."""

    text: str


@dataclass(frozen=True)
class ReportTable:
    """Text in rows. Columns of numbers are right-aligned."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """Indices of the columns of numbers, from 0."""


@dataclass(frozen=True)
class Commands:
    """Commands for a shell, one a line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """One figure in both its forms."""

    name: str
    """Name of its file, without the suffix."""
    description: str
    """Alternative text."""
    drawn: Figure
    interactive: go.Figure | None
    """Plotly figure of the page. None: the page shows the image."""


Block: TypeAlias = Paragraph | ReportTable | Commands | Picture


@dataclass(frozen=True)
class Section:
    """Blocks under a title."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        """The section's name in a link."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())


@dataclass(frozen=True)
class Headline:
    """One of the few figures that a reader looks for first."""

    name: str
    value: str
    remark: str


@dataclass(frozen=True)
class Report:
    """A complete report."""

    title: str
    lead: str
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Pictures of all sections, in their order."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Picture))
