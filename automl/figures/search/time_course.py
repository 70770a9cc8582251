"""The best exportable model against the study's clock, with the phases of the search shaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, GRID, INK, new_figure, style


@dataclass(frozen=True)
class TimedTrial:
    """One complete trial, and when it was there."""

    number: int
    seconds: float
    """Time of its end on the study's clock, in seconds."""
    value: float
    """Value of the study's metric."""
    is_final: bool = False
    """Whether it was trained again at the end, longer and with another seed."""


@dataclass(frozen=True)
class PhaseSpan:
    """One phase of a search, in seconds of the study's clock."""

    name: str
    start: float
    end: float


SHADES = ("#f4f8fb", "#ffffff", "#fdf3ea")
"""Backgrounds of the phases, in turn."""
LOOKS = {False: ("complete trial", COLOURS[0]), True: ("final training", COLOURS[1])}


def best_over_time(
    trials: Sequence[TimedTrial], phases: Sequence[PhaseSpan], *, end: float, value_label: str, maximize: bool
) -> Figure:
    """Every complete trial at its end, and the best model so far as a line up to `end`, in seconds."""
    unit, name = unit_of_time(end)
    figure = new_figure(height_inches=3.8)
    axes = figure.add_subplot()
    style(axes, x_label=f"{name} of the study", y_label=value_label)
    axes.set_xlim(0, max(end, 1e-9) / unit)
    for position, phase in enumerate(phases):
        _shade(axes, phase, unit, SHADES[position % len(SHADES)])
    for is_final, (label, colour) in LOOKS.items():
        shown = [trial for trial in trials if trial.is_final == is_final]
        if shown:
            xs, ys = [trial.seconds / unit for trial in shown], [trial.value for trial in shown]
            axes.scatter(xs, ys, s=26, color=colour, label=label, zorder=3, clip_on=False)
    _draw_best(axes, best_so_far(trials, maximize=maximize), end=end, unit=unit)
    axes.margins(y=0.14)
    if trials:
        figure.legend(loc="outside upper left", ncols=4, scatteryoffsets=[0.5], frameon=False, labelcolor=INK)
    return figure


def best_so_far(trials: Sequence[TimedTrial], *, maximize: bool) -> list[TimedTrial]:
    """Trials that were the best when they ended, in the order of time."""
    found: list[TimedTrial] = []
    for trial in sorted(trials, key=lambda trial: (trial.seconds, trial.number)):
        if not math.isfinite(trial.value):
            continue
        if not found or (trial.value > found[-1].value if maximize else trial.value < found[-1].value):
            found.append(trial)
    return found


def unit_of_time(seconds: float) -> tuple[float, str]:
    """Seconds of the unit in which so long a time is drawn, and its name."""
    if seconds > 2 * 3600:
        return 3600.0, "hours"
    return (60.0, "minutes") if seconds > 120 else (1.0, "seconds")


def _shade(axes: Axes, phase: PhaseSpan, unit: float, colour: str) -> None:
    axes.axvspan(phase.start / unit, phase.end / unit, color=colour, zorder=0)
    axes.axvline(phase.end / unit, color=GRID, linewidth=0.8, zorder=1)
    axes.text(
        phase.start / unit,
        0.01,
        f" {phase.name}",
        transform=axes.get_xaxis_transform(),
        color=FAINT,
        fontsize=FONT_POINTS - 2,
        rotation=90,
        verticalalignment="bottom",
        clip_on=True,
    )


def _draw_best(axes: Axes, best: Sequence[TimedTrial], *, end: float, unit: float) -> None:
    if not best:
        return
    xs = [*(trial.seconds / unit for trial in best), max(end, best[-1].seconds) / unit]
    ys = [*(trial.value for trial in best), best[-1].value]
    axes.step(xs, ys, where="post", color=COLOURS[2], linewidth=2, label="best model", zorder=2)
