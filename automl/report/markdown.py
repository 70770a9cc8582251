"""The report as a README.md for GitHub, with its figures as images beside it."""

from __future__ import annotations

from collections.abc import Sequence

from automl.report.document import Block, Commands, Headline, Paragraph, Picture, Report, ReportTable, Section
from automl.sanitize import escaped

IMAGES = "images"
"""Name of the folder of images, beside the README."""


def to_markdown(document: Report) -> str:
    """GitHub's Markdown."""
    parts = [f"# {escaped(document.title)}", escaped(document.lead), _headlines(document.headlines)]
    parts += [_section(section) for section in document.sections]
    return "\n\n".join(parts) + "\n"


def _headlines(headlines: Sequence[Headline]) -> str:
    rows = tuple((headline.name, headline.value, headline.remark) for headline in headlines)
    return _table(ReportTable(("", "", ""), rows, frozenset({1})))


def _section(section: Section) -> str:
    return "\n\n".join([f"## {escaped(section.title)}", *(_block(block) for block in section.blocks)])


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return escaped(text)
        case ReportTable():
            return _table(block)
        case Commands(lines):
            return "\n".join(["```console", *(f"$ {line}" for line in lines), "```"])
        case Picture(name, description):
            return f"![{escaped(description)}]({IMAGES}/{name}.png)"


def _table(table: ReportTable) -> str:
    rules = ("---:" if column in table.numbers else "---" for column in range(len(table.columns)))
    rows = [table.columns, tuple(rules), *(tuple(map(escaped, row)) for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
