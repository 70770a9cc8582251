"""Parallel coordinates: a line for each trial through its parameters to its value.

Every axis is made here, from values to positions from 0 to 1, so that each way of drawing shows the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from automl.figures.canvas import FAINT, FONT_POINTS, INK, new_figure, style
from automl.figures.search.importances import spoken

NOT_LIVE = -0.14
"""Position on an axis whose parameter the trial did not have."""
MOST_TICKS = 6
LOG_RATIO = 20.0
"""Smallest ratio of highest to lowest value that makes an axis logarithmic."""
Value = bool | int | float | str


@dataclass(frozen=True)
class ParallelAxis:
    """One parameter, or the value that the trials reached."""

    name: str
    positions: tuple[float, ...]
    """Position of each trial, from 0 to 1. NOT_LIVE where the parameter is inactive."""
    ticks: tuple[tuple[float, str], ...]
    """Position and text of each tick."""


def parallel_axis(name: str, values: Sequence[Value | None]) -> ParallelAxis:
    """Numbers in their order, by logarithm where they span much; words and few numbers at equal distances.

    None: the trial does not have this parameter.
    """
    live = [value for value in values if value is not None]
    kinds = sorted(set(live), key=lambda value: (isinstance(value, str), value))
    if len(kinds) <= MOST_TICKS or any(isinstance(kind, str) for kind in kinds):
        by_kind = dict(zip(kinds, _spread(len(kinds)), strict=True))
        ticks = [(position, text_of(kind)) for kind, position in by_kind.items()]
        positions = [NOT_LIVE if value is None else by_kind[value] for value in values]
    else:
        scale = _Scale.of([float(value) for value in live])
        ticks = scale.ticks()
        positions = [NOT_LIVE if value is None else scale.position(float(value)) for value in values]
    unused = [(NOT_LIVE, "none")] if len(live) < len(values) else []
    return ParallelAxis(spoken(name), tuple(positions), tuple(unused + ticks))


def parallel_coordinates(axes_of_trials: Sequence[ParallelAxis], *, maximize: bool) -> Figure:
    """A line for each trial; the last axis is the value, whose better end is dark and drawn on top."""
    figure = new_figure(height_inches=4.4)
    axes = figure.add_subplot()
    style(axes, x_label="", y_label="")
    goodness = goodness_of(axes_of_trials[-1], maximize=maximize)
    lines = np.array([axis.positions for axis in axes_of_trials]).T
    colours = colour_map()
    for trial in np.argsort(goodness):
        axes.plot(lines[trial], color=colours(goodness[trial]), linewidth=0.8 + 1.4 * goodness[trial], alpha=0.85)
    for number, axis in enumerate(axes_of_trials):
        _draw_axis(axes, number, axis)
    _name_axes(axes, axes_of_trials)
    return figure


def goodness_of(value_axis: ParallelAxis, *, maximize: bool) -> list[float]:
    """Rank of each trial from 0 (worst) to 1 (best): outliers do not take the colours from the others."""
    values = [position if maximize else -position for position in value_axis.positions]
    ranks = {value: rank for rank, value in enumerate(sorted(set(values)))}
    return [ranks[value] / max(1, len(ranks) - 1) for value in values]


def colour_map() -> Colormap:
    """From pale to dark, without the ends that white paper swallows."""
    return ListedColormap(matplotlib.colormaps["viridis_r"](np.linspace(0.05, 1, 256)))


def text_of(value: Value) -> str:
    """Format a value for people."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value).replace("_", " ")


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    log: bool

    @classmethod
    def of(cls, values: Sequence[float]) -> _Scale:
        low, high = min(values), max(values)
        return cls(low, high, low > 0 and high / low > LOG_RATIO)

    def position(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers between both ends."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
        else:
            found = [float(value) for value in MaxNLocator(MOST_TICKS - 1).tick_values(self.low, self.high)]
        inside = [value for value in found if self.low <= value <= self.high]
        return [(self.position(value), f"{value:.6g}") for value in inside]


def _spread(count: int) -> list[float]:
    return [0.5] if count == 1 else [number / (count - 1) for number in range(count)]


def _draw_axis(axes: Axes, number: int, axis: ParallelAxis) -> None:
    axes.axvline(number, color=FAINT, linewidth=0.8, zorder=3)
    for position, text in axis.ticks:
        axes.annotate(
            text,
            (number, position),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontsize=FONT_POINTS - 3,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.75, "edgecolor": "none"},
            zorder=4,
        )


def _name_axes(axes: Axes, axes_of_trials: Sequence[ParallelAxis]) -> None:
    names = [axis.name for axis in axes_of_trials]
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right", rotation_mode="anchor")
    axes.get_xticklabels()[-1].set_fontweight("bold")
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.margins(x=0.01, y=0.03)
