"""The report as one page for a browser. Figures, Plotly and images are inside: it works by mail."""

from __future__ import annotations

import base64
import html
import json
from importlib import resources
from string import Template

from plotly.offline import get_plotlyjs

from automl.figures.canvas import png_bytes
from automl.report.document import Block, Commands, Paragraph, Picture, Report, ReportTable, Section

TEMPLATE = "page.html"
"""File name of the template, beside this module."""


def to_page(document: Report) -> str:
    """Render HTML that needs no network. Its content security policy forbids requests."""
    template = Template(resources.files(__package__).joinpath(TEMPLATE).read_text("utf-8"))
    return template.substitute(
        title=html.escape(document.title),
        lead=html.escape(document.lead),
        headlines="\n".join(
            f"<div><dt>{html.escape(one.name)}</dt><dd>{html.escape(one.value)}"
            f"<small>{html.escape(one.remark)}</small></dd></div>"
            for one in document.headlines
        ),
        contents="\n".join(
            f'<li><a href="#{section.anchor}">{html.escape(section.title)}</a></li>' for section in document.sections
        ),
        sections="\n".join(_section(section) for section in document.sections),
        figures=_figures(document),
        plotly=get_plotlyjs(),
    )


def _section(section: Section) -> str:
    blocks = "\n".join(_block(block) for block in section.blocks)
    return f'<section id="{section.anchor}">\n<h2>{html.escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{html.escape(text)}</p>"
        case ReportTable():
            return _table(block)
        case Commands(lines):
            return f"<pre>{html.escape(chr(10).join(lines))}</pre>"
        case Picture():
            return _picture(block)


def _table(table: ReportTable) -> str:
    head = "".join(_cell("th", column, name, table) for column, name in enumerate(table.columns))
    rows = (
        "<tr>" + "".join(_cell("td", column, value, table) for column, value in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    heading = f"<thead><tr>{head}</tr></thead>" if any(table.columns) else ""
    return f'<div class="table"><table>{heading}<tbody>{"".join(rows)}</tbody></table></div>'


def _cell(tag: str, column: int, value: str, table: ReportTable) -> str:
    kind = ' class="number"' if column in table.numbers else ""
    return f"<{tag}{kind}>{html.escape(value)}</{tag}>"


def _picture(picture: Picture) -> str:
    description = html.escape(picture.description)
    if picture.interactive is not None:
        return f'<figure id="figure-{picture.name}" class="plot" role="img" aria-label="{description}"></figure>'
    image = base64.b64encode(png_bytes(picture.drawn)).decode()
    return f'<figure><img alt="{description}" src="data:image/png;base64,{image}"></figure>'


def _figures(document: Report) -> str:
    """Plotly figures by the id of their element, as JSON that cannot end its script element."""
    plots = {
        f"figure-{picture.name}": json.loads(picture.interactive.to_json())
        for picture in document.pictures
        if picture.interactive is not None
    }
    return json.dumps(plots, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
