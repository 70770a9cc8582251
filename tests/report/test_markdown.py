from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from automl.figures.canvas import new_figure
from automl.report.document import Commands, Headline, Paragraph, Picture, Report, ReportTable, Section
from automl.report.markdown import to_markdown
from automl.sanitize import escaped

DOCUMENT = Report(
    "Search faces_2",
    "Five trials.",
    (Headline("test accuracy", "0.9", "95 %: 0.8 to 1.0"),),
    (
        Section(
            "The winner",
            (
                Paragraph("A <b>bold</b> claim."),
                ReportTable(("class", "images"), (("a|b", "12"),), frozenset({1})),
                Commands(("automl show 3 > recipe.yaml",)),
                Picture("history", "values by number", new_figure(height_inches=1), None),
            ),
        ),
    ),
)


def test_document_becomes_github_s_markdown() -> None:
    assert to_markdown(DOCUMENT) == (
        "# Search faces\\_2\n\n"
        "Five trials.\n\n"
        "|  |  |  |\n| --- | ---: | --- |\n| test accuracy | 0.9 | 95 %: 0.8 to 1.0 |\n\n"
        "## The winner\n\n"
        "A \\<b\\>bold\\</b\\> claim.\n\n"
        "| class | images |\n| --- | ---: |\n| a\\|b | 12 |\n\n"
        "```console\n$ automl show 3 > recipe.yaml\n```\n\n"
        "![values by number](images/history.png)\n"
    )


@given(st.text())
def test_escaped_text_is_one_line_without_a_bare_special_character(text: str) -> None:
    line = escaped(text)
    assert "\n" not in line
    assert re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#~$]", line) is None
