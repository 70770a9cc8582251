"""Hyperparameter importance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from automl.figures.canvas import COLOURS, FONT_POINTS, INK, new_figure, style

MOST_SHOWN = 15


@dataclass(frozen=True)
class Importance:
    """Importance of one searched parameter."""

    name: str
    share: float
    """Share of the total importance, from 0 to 1."""


def importance_chart(importances: Sequence[Importance]) -> Figure:
    """A bar for each of the first fifteen, in their order from the top."""
    shown = importances[:MOST_SHOWN]
    figure = new_figure(height_inches=0.9 + 0.3 * len(shown))
    axes = figure.add_subplot()
    style(axes, x_label="share of the importance", y_label="")
    axes.barh([spoken(one.name) for one in shown], [one.share for one in shown], color=COLOURS[0], height=0.65)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    for row, one in enumerate(shown):
        offset = {"xytext": (4, 0), "textcoords": "offset points", "va": "center"}
        axes.annotate(per_cent(one.share), (one.share, row), color=INK, fontsize=FONT_POINTS - 1, **offset)  # type: ignore[arg-type]
    axes.margins(x=0.1)
    return figure


def spoken(name: str) -> str:
    """`learning_rate` as `learning rate`."""
    return name.replace("_", " ")


def per_cent(share: float) -> str:
    """`12 %`, `<1 %`."""
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "<1 %"
