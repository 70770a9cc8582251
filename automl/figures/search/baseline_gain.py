"""Gain over the baselines: values of the first recipes, from the simple to the complex, and of the winner."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, INK, new_figure, style

LABEL_LETTERS = 46
"""Longest line of a label, in letters."""


@dataclass(frozen=True)
class Baseline:
    """A baseline recipe, tried before the sampler proposed any, or the winner."""

    label: str
    """Description of the network."""
    value: float | None
    """Value of the study's metric. None if no epoch was finished."""
    complete: bool = True
    """False if it was pruned or failed. Then its value is the last one."""
    is_winner: bool = False


def baseline_chart(baselines: Sequence[Baseline], *, value_label: str) -> Figure:
    """A point for each baseline, the simplest on top. The winner has its own colour; incomplete trials are hollow."""
    figure = new_figure(height_inches=1.1 + 0.55 * len(baselines))
    axes = figure.add_subplot()
    style(axes, x_label=value_label, y_label="")
    axes.set_yticks(range(len(baselines)), [wrapped(baseline.label) for baseline in baselines])
    axes.set_ylim(len(baselines) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    valued = [(baseline.value, row) for row, baseline in enumerate(baselines) if baseline.value is not None]
    if valued:
        axes.plot(*zip(*valued, strict=True), color=FAINT, linewidth=1, zorder=1)
    for row, baseline in enumerate(baselines):
        _draw(axes, baseline, row)
    axes.margins(x=0.12)
    return figure


def wrapped(label: str) -> str:
    """The label in as many lines as it needs."""
    return "\n".join(textwrap.wrap(label, LABEL_LETTERS))


def _draw(axes: Axes, baseline: Baseline, row: int) -> None:
    if baseline.value is None:
        axes.text(0.5, row, "no epoch was finished", transform=axes.get_yaxis_transform(), color=FAINT, va="center")
        return
    colour = COLOURS[2] if baseline.is_winner else COLOURS[0]
    face = colour if baseline.complete else "white"
    axes.scatter(baseline.value, row, s=55, facecolors=face, edgecolors=colour, linewidths=1.5, zorder=2)
    axes.annotate(
        f"{baseline.value:.4f}" if baseline.complete else f"{baseline.value:.4f}, incomplete",
        (baseline.value, row),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        color=INK,
        fontsize=FONT_POINTS - 1,
        fontweight="bold" if baseline.is_winner else "normal",
    )
