"""Layout of all figures of a page, and text without markup for Plotly."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

import plotly.graph_objects as go

from automl.figures.canvas import FAINT, GRID, INK

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

MOST_TICKS = 10


def new_page_figure(*, height_pixels: int, x_label: str = "", y_label: str = "") -> go.Figure:
    """Empty figure as wide as the page."""
    figure = go.Figure()
    figure.update_layout(
        template={},  # Plotly's own is 7 kB a figure
        height=height_pixels,
        margin={"l": 70, "r": 20, "t": 40, "b": 60},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="white",
        plot_bgcolor="white",
        hoverlabel={"bgcolor": "white", "font": {"family": FONT, "size": 13}, "align": "left"},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis=axis_look(x_label),
        yaxis=axis_look(y_label),
    )
    return figure


def axis_look(label: str, *, grid: bool = True) -> dict[str, object]:
    """An axis with its label."""
    return {
        "title": {"text": plain(label), "font": {"size": 13}},
        "gridcolor": GRID,
        "showgrid": grid,
        "linecolor": FAINT,
        "zeroline": False,
        "automargin": True,
    }


def whole_ticks(values: Sequence[int]) -> dict[str, object]:
    """Ticks of an axis that counts: at most ten, and never between two numbers, as Plotly's own are."""
    span = max(values, default=0) - min(values, default=0)
    steps = (digit * 10**power for power in itertools.count() for digit in (1, 2, 5))
    return {"tick0": 0, "dtick": next(step for step in steps if span / step <= MOST_TICKS)}


def plain(text: str) -> str:
    """Text that Plotly, which reads a little HTML, shows as it is."""
    return html.escape(text, quote=False)
