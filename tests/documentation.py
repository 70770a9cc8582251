"""Reads the blocks, the tables and the words of our Markdown files."""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FILE_NAME = re.compile(r"# ([\w.-]+\.(?:py|yaml))$")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    text: str

    @property
    def file_name(self) -> str | None:
        """What the first line calls the block, if it is the content of a file."""
        found = FILE_NAME.match(self.text.partition("\n")[0])
        return found[1] if found else None

    @property
    def commands(self) -> list[str]:
        """The lines after a `$`."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(markdown: str) -> list[Block]:
    """All fenced blocks, in order."""
    return [Block(language, text) for language, text in FENCED.findall(markdown)]


def first_cells(markdown: str, heading: str) -> list[str]:
    """The first cell of each row of the table whose first heading this is.

    Raises: ValueError if there is no such table.
    """
    lines = markdown.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(f"| {heading} |")), None)
    if start is None:
        raise ValueError(f"No table begins with the heading {heading!r}.")
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1].strip())
    return rows
