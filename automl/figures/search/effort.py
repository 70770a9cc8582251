"""Device time of the trials, and what pruning saved of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automl.figures.canvas import COLOURS, FAINT, INK, new_figure, style

STATE_COLOURS = {"complete": COLOURS[0], "pruned": FAINT, "failed": COLOURS[1]}
SAVED_COLOUR = "#d9ead3"
HOUR_SECONDS = 3600.0
MINUTE_SECONDS = 60.0


@dataclass(frozen=True)
class TrialEffort:
    """Device time of one trial."""

    number: int
    state: Literal["complete", "pruned", "failed"]
    trained_seconds: float
    saved_seconds: float
    """Estimated device time of the epochs that were not run, in seconds, at the pace of the others."""


def effort_chart(efforts: Sequence[TrialEffort]) -> Figure:
    """A bar for each trial by its number: what was trained and, on top of it, what pruning saved."""
    unit, unit_seconds = unit_of(efforts)
    figure = new_figure(height_inches=3.2)
    axes = figure.add_subplot()
    style(axes, x_label="trial number", y_label=f"device {unit}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    for state, colour in STATE_COLOURS.items():
        of_state = [effort for effort in efforts if effort.state == state]
        if of_state:
            heights = [effort.trained_seconds / unit_seconds for effort in of_state]
            axes.bar([effort.number for effort in of_state], heights, color=colour, width=0.8, label=f"{state} trial")
    saved = [effort for effort in efforts if effort.saved_seconds > 0]
    if saved:
        axes.bar(
            [effort.number for effort in saved],
            [effort.saved_seconds / unit_seconds for effort in saved],
            bottom=[effort.trained_seconds / unit_seconds for effort in saved],
            color=SAVED_COLOUR,
            edgecolor=COLOURS[2],
            hatch="////",
            linewidth=0,
            width=0.8,
            label="saved by pruning",
        )
    if efforts:
        figure.legend(loc="outside upper left", ncols=4, frameon=False, labelcolor=INK)
    return figure


def unit_of(efforts: Sequence[TrialEffort]) -> tuple[str, float]:
    """Name and seconds of the unit in which the longest trial is a readable number."""
    longest = max((effort.trained_seconds + effort.saved_seconds for effort in efforts), default=0.0)
    if longest >= 2 * HOUR_SECONDS:
        return "hours", HOUR_SECONDS
    return ("minutes", MINUTE_SECONDS) if longest >= 2 * MINUTE_SECONDS else ("seconds", 1.0)
