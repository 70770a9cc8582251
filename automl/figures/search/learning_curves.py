"""Learning curves: training and validation, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from automl.figures.canvas import COLOURS, FAINT, FONT_POINTS, INK, new_figure, style

DASHES = (0, (4, 2))


@dataclass(frozen=True)
class LearningCurve:
    """Values of one trial at E epochs, all three of one length."""

    label: str
    epochs: Sequence[int]
    """Epoch indices, from 0."""
    train: Sequence[float]
    validation: Sequence[float]


def learning_curves(curves: Sequence[LearningCurve], *, value_label: str) -> Figure:
    """Validation as a line and training as dashes, in one colour a trial.

    The first seven have colours and an entry in the legend. The others are faint.
    """
    figure = new_figure(height_inches=3.8)
    axes = figure.add_subplot()
    style(axes, x_label="epoch", y_label=value_label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    named, rest = curves[: len(COLOURS)], curves[len(COLOURS) :]
    for curve in rest:
        axes.plot(curve.epochs, curve.validation, color=FAINT, linewidth=0.8, alpha=0.5)
    for curve, colour in zip(named, COLOURS, strict=False):
        _draw(axes, curve, colour)
    if curves:
        handles = _legend_handles(named, rest)
        figure.legend(
            handles=handles, loc="outside right upper", frameon=False, labelcolor=INK, fontsize=FONT_POINTS - 1
        )
    return figure


def _draw(axes: Axes, curve: LearningCurve, colour: str) -> None:
    marker = "o" if len(curve.epochs) == 1 else None  # a line through one epoch would be invisible
    axes.plot(curve.epochs, curve.train, color=colour, linewidth=1, linestyle=DASHES, marker=marker)
    axes.plot(curve.epochs, curve.validation, color=colour, linewidth=2, marker=marker)


def _legend_handles(named: Sequence[LearningCurve], rest: Sequence[LearningCurve]) -> list[Line2D]:
    trials = [
        Line2D([], [], color=colour, linewidth=2, label=curve.label)
        for curve, colour in zip(named, COLOURS, strict=False)
    ]
    others = [Line2D([], [], color=FAINT, linewidth=0.8, label=f"{len(rest)} more")] if rest else []
    kinds = [
        Line2D([], [], color=INK, linewidth=2, label="validation"),
        Line2D([], [], color=INK, linewidth=1, linestyle=DASHES, label="training"),
    ]
    return trials + others + kinds
