"""Optimization history: every finished trial, and the best so far."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, INK, new_figure, style


@dataclass(frozen=True)
class TrialPoint:
    """One finished trial."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    """Value of the study's metric. None if no epoch was finished."""


LOOKS: dict[str, dict[str, object]] = {
    "complete": {"marker": "o", "color": COLOURS[0], "s": 26},
    "pruned": {"marker": "o", "facecolors": "none", "edgecolors": FAINT, "s": 22},
    "failed": {"marker": "x", "color": COLOURS[1], "s": 26},
}


def search_history(points: Sequence[TrialPoint], *, value_label: str, maximize: bool) -> Figure:
    """Value of every trial by its number, with the best so far as a line.

    Pruned trials are drawn at their last value. Trials without a value are drawn at the edge where the
    worst are.
    """
    figure = new_figure(height_inches=3.8)
    axes = figure.add_subplot()
    style(axes, x_label="trial number", y_label=value_label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for state, look in LOOKS.items():
        _draw_state(
            axes, [point for point in points if point.state == state], f"{state} trial", look, edge=0 if maximize else 1
        )
    _draw_best(axes, points, maximize=maximize)
    if points:
        figure.legend(loc="outside upper left", ncols=4, scatteryoffsets=[0.5], frameon=False, labelcolor=INK)
    return figure


def records(points: Sequence[TrialPoint], *, maximize: bool) -> list[tuple[int, float]]:
    """Number and value of every complete trial that was the best when it came, by number."""
    found: list[tuple[int, float]] = []
    for point in sorted(points, key=lambda point: point.number):
        value = point.value
        if point.state != "complete" or value is None or not math.isfinite(value):
            continue
        if not found or (value > found[-1][1] if maximize else value < found[-1][1]):
            found.append((point.number, value))
    return found


def _draw_state(
    axes: Axes, points: Sequence[TrialPoint], label: str, look: Mapping[str, Any], *, edge: Literal[0, 1]
) -> None:
    valued = [(point.number, point.value) for point in points if point.value is not None and math.isfinite(point.value)]
    if valued:
        axes.scatter(*zip(*valued, strict=True), label=label, zorder=3, **look)
    bare = [point.number for point in points if point.value is None or not math.isfinite(point.value)]
    if bare:
        label = "_" if valued else label  # one entry in the legend
        by_edges = axes.get_xaxis_transform()
        axes.scatter(bare, [edge] * len(bare), label=label, transform=by_edges, clip_on=False, zorder=4, **look)


def _draw_best(axes: Axes, points: Sequence[TrialPoint], *, maximize: bool) -> None:
    best = records(points, maximize=maximize)
    if not best:
        return
    number, value = best[-1]
    last = max(point.number for point in points)
    xs, ys = zip(*best, (last, value), strict=True)
    axes.step(xs, ys, where="post", color=COLOURS[2], linewidth=2, label="best so far", zorder=2)
    axes.annotate(
        f"trial {number}: {value:.4f}",
        (number, value),
        xytext=(0, 7 if maximize else -7),
        textcoords="offset points",
        horizontalalignment="center",
        verticalalignment="bottom" if maximize else "top",
        color=INK,
        fontsize=FONT_POINTS,
        fontweight="bold",
    )
    axes.margins(y=0.12)
