"""Forecast and real seconds of an epoch, trial by trial."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from automl.figures.canvas import COLOURS, FAINT, INK, new_figure, style

CLOSE = 0.3
"""A forecast is called close if the real epochs differ by no more than this share of it."""
LABELS = ("forecast, seconds an epoch", "real, seconds an epoch")


@dataclass(frozen=True)
class ForecastPace:
    """One trial that finished an epoch."""

    number: int
    forecast: float
    """Seconds an epoch, from the speed that was measured when the study was created."""
    real: float
    """Seconds an epoch with its validation, the mean over the trial."""

    @property
    def is_close(self) -> bool:
        """Whether the real epochs differ by CLOSE or less."""
        return abs(self.real / self.forecast - 1) <= CLOSE


def median_ratio(paces: Sequence[ForecastPace]) -> float:
    """Real seconds as a multiple of the forecast, by median."""
    return statistics.median(pace.real / pace.forecast for pace in paces)


def ends_of(paces: Sequence[ForecastPace]) -> tuple[float, float]:
    """Ends of both axes, in seconds an epoch, with some air."""
    seconds = [value for pace in paces for value in (pace.forecast, pace.real)]
    return min(seconds) / 1.5, max(seconds) * 1.5


def forecast_chart(paces: Sequence[ForecastPace]) -> Figure:
    """A point a trial on logarithmic axes, with the line on which forecast and reality agree, and a band of CLOSE."""
    figure = new_figure(height_inches=3.8)
    axes = figure.add_subplot()
    style(axes, x_label=LABELS[0], y_label=LABELS[1])
    ends = ends_of(paces)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    low, high = ([(1 + sign * CLOSE) * end for end in ends] for sign in (-1, 1))
    axes.fill_between(ends, low, high, color=COLOURS[0], alpha=0.1, linewidth=0, label=f"within {CLOSE:.0%}")
    axes.plot(ends, ends, color=FAINT, linewidth=1, label="as forecast")
    xs, ys = [pace.forecast for pace in paces], [pace.real for pace in paces]
    axes.scatter(xs, ys, s=26, color=COLOURS[0], label="trial", zorder=3)
    figure.legend(loc="outside upper left", ncols=3, scatteryoffsets=[0.5], frameon=False, labelcolor=INK)
    return figure
