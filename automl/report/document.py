"""What a report says, before it becomes Markdown or HTML: sections of sentences, tables, commands and pictures."""

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
class Table:
    """Text in rows; a column of numbers stands to the right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """Which columns are of numbers, from 0."""


@dataclass(frozen=True)
class Commands:
    """Lines for a shell."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """One figure in both its forms."""

    name: str
    """Of its file, without an ending."""
    description: str
    """What can be seen, for those who cannot see it."""
    drawn: Figure
    interactive: go.Figure | None
    """None: an image says it all."""


Block: TypeAlias = Paragraph | Table | Commands | Picture


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
class Document:
    """A whole report."""

    title: str
    lead: str
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All of them, in their order."""
        return tuple(block for section in self.sections for block in section.blocks if isinstance(block, Picture))
