"""Reads the pages of the documentation: their blocks, tables, sentences and words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
FILE_NAME = re.compile(r"# ([\w.-]+\.(?:py|yaml))$")
GENERATED = re.compile(r"<!-- From here on .*", re.S)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)]*)\)")


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

    @property
    def outputs(self) -> dict[str, list[str]]:
        """The lines that are shown below each command, if any are."""
        shown: dict[str, list[str]] = {}
        for part in re.split(r"^\$ ", self.text, flags=re.M)[1:]:
            command, *lines = part.splitlines()
            if lines:
                shown[command] = lines
        return shown


@dataclass(frozen=True)
class Page:
    """One Markdown file."""

    path: Path

    @property
    def name(self) -> str:
        """Its path in the repository."""
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.path.read_text("utf-8")

    @property
    def blocks(self) -> list[Block]:
        """All fenced blocks, in order."""
        return [Block(language, text) for language, text in FENCED.findall(self.text)]

    @property
    def written(self) -> str:
        """What people wrote: the page without its blocks and without what is generated."""
        return GENERATED.sub("", FENCED.sub("", self.text))

    @property
    def words_of_people(self) -> str:
        """The same without code and without the targets of links."""
        return LINK.sub(r"\1", CODE.sub("code", self.written))

    @property
    def sentences(self) -> list[str]:
        """Sentences of paragraphs and lists; headings and tables have none."""
        return [
            sentence
            for paragraph in _paragraphs(self.words_of_people)
            for sentence in _sentences(paragraph)
            if sentence
        ]

    @property
    def links(self) -> list[str]:
        """Targets of links to files, without anchors."""
        targets = [target.partition("#")[0] for _, target in LINK.findall(self.written)]
        return [target for target in targets if target and "://" not in target]


def site_configuration() -> dict[str, Any]:
    """What mkdocs.yml says."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    return found


def all_pages() -> list[Page]:
    """Every page that people read, in the order in which they do: README, the site's, the examples', CONTRIBUTING."""
    site = [f"docs/{name}" for name in _leaves(site_configuration()["nav"])]
    return [Page(ROOT / name) for name in ("README.md", *site, "examples/README.md", "CONTRIBUTING.md")]


def page(name: str) -> Page:
    """The page at this path in the repository."""
    return Page(ROOT / name)


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


def words(text: str) -> list[str]:
    """Words and figures, without the signs between them."""
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def _leaves(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        for entry in nav.values():
            yield from _leaves(entry)
    elif isinstance(nav, list):
        for entry in nav:
            yield from _leaves(entry)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs and entries of lists, each on one line."""
    separated = re.sub(r"^( *)(?:[-*]|\d+\.) ", r"\n", text, flags=re.M)
    kept = [line for line in separated.splitlines() if not line.startswith(("#", "|", "<!--"))]
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", "\n".join(kept)) if paragraph.strip()]


def _sentences(paragraph: str) -> list[str]:
    return re.split(r"(?<=[.!?])[*)”\"]*\s+(?=[A-Z*`(\[“\"0-9.]|code)", paragraph)
