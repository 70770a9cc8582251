from __future__ import annotations

import json
import re

from automl.figures.canvas import new_figure
from automl.figures.interactive.plotly_trials import interactive_curves
from automl.figures.search.learning_curves import LearningCurve
from automl.report.document import Commands, Headline, Paragraph, Picture, Report, ReportTable, Section
from automl.report.html_page import to_page

EVIL = "</script><img src=x onerror=alert(1)> $title & “co”"
CURVE = LearningCurve(EVIL, [0, 1], [0.1, 0.2], [0.1, 0.2])


def document(word: str) -> Report:
    blocks = (
        Paragraph(word),
        ReportTable(("", word), ((word, "1"),), frozenset({1})),
        Commands((word,)),
        Picture("curves", word, new_figure(height_inches=1), interactive_curves([CURVE], value_label=word)),
        Picture("sheet", word, new_figure(height_inches=1), None),
    )
    return Report(word, word, (Headline(word, word, word),), (Section(word, blocks),))


def test_text_of_a_user_never_becomes_markup() -> None:
    page = to_page(document(EVIL))
    assert "<img src=x" not in page
    assert page.count("</script>") == 3


def test_figures_are_read_back_as_they_were() -> None:
    page = to_page(document(EVIL))
    found = re.search(r'<script id="figures" type="application/json">(.*?)</script>', page, re.S)
    assert found is not None
    figures = json.loads(found[1])
    assert list(figures) == ["figure-curves"]
    assert figures["figure-curves"]["data"][0]["y"] == [0.1, 0.2]
    assert 'id="figure-curves"' in page


def test_page_forbids_itself_the_network_and_has_images_inside() -> None:
    page = to_page(document("faces"))
    assert "default-src 'none'" in page
    sources = re.findall(r'<(?:img|script|link)[^>]*(?:src|href)="([^"]*)"', page.partition("<script>")[0])
    assert [source[:22] for source in sources] == ["data:image/png;base64,"]


def test_contents_link_to_the_sections() -> None:
    page = to_page(document("What was searched, and on what"))
    assert '<a href="#what-was-searched--and-on-what">' in page
    assert '<section id="what-was-searched--and-on-what">' in page
