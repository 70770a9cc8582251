"""What each step from the simple to the complex bought."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, INK, new_figure, style

LABEL_LETTERS = 46
"""Of a line of a rung's label."""


@dataclass(frozen=True)
class Rung:
    """A recipe that was tried before the sampler proposed any, or the winner above them."""

    label: str
    """What the network is, in words."""
    value: float | None
    """Of the study's metric; None where no epoch was finished."""
    complete: bool = True
    """False: stopped early or failed, and its value is the last one."""
    is_winner: bool = False


def ladder_chart(rungs: Sequence[Rung], *, value_label: str) -> Figure:
    """A point for each rung, the simplest on top, the winner in a colour of its own; hollow if it ended early."""
    figure = new_figure(height_inches=1.1 + 0.55 * len(rungs))
    axes = figure.add_subplot()
    style(axes, x_label=value_label, y_label="")
    axes.set_yticks(range(len(rungs)), [wrapped(rung.label) for rung in rungs])
    axes.set_ylim(len(rungs) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    valued = [(rung.value, row) for row, rung in enumerate(rungs) if rung.value is not None]
    if valued:
        axes.plot(*zip(*valued, strict=True), color=FAINT, linewidth=1, zorder=1)
    for row, rung in enumerate(rungs):
        _draw(axes, rung, row)
    axes.margins(x=0.12)
    return figure


def wrapped(label: str) -> str:
    """The label in as many lines as it needs."""
    return "\n".join(textwrap.wrap(label, LABEL_LETTERS))


def _draw(axes: Axes, rung: Rung, row: int) -> None:
    if rung.value is None:
        axes.text(0.5, row, "no epoch was finished", transform=axes.get_yaxis_transform(), color=FAINT, va="center")
        return
    colour = COLOURS[2] if rung.is_winner else COLOURS[0]
    face = colour if rung.complete else "white"
    axes.scatter(rung.value, row, s=55, facecolors=face, edgecolors=colour, linewidths=1.5, zorder=2)
    axes.annotate(
        f"{rung.value:.4f}" if rung.complete else f"{rung.value:.4f}, ended early",
        (rung.value, row),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        color=INK,
        fontsize=FONT_POINTS - 1,
        fontweight="bold" if rung.is_winner else "normal",
    )
