"""Reliability diagram: accuracy by confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from automl.figures.canvas import COLOURS, FAINT, INK, new_figure, style
from automl.training.evaluation.calibration import Bin

CONFIDENCE, ACCURACY = "confidence (probability of the predicted class)", "accuracy"
LINE_COLOURS = (COLOURS[1], COLOURS[0])


def reliability_diagram(bins_by_label: Mapping[str, Sequence[Bin]]) -> Figure:
    """Draw a line for each set of bins. A point's area is its number of images. The diagonal is perfect calibration."""
    figure = new_figure(height_inches=4.2)
    axes = figure.add_subplot()
    style(axes, x_label=CONFIDENCE, y_label=ACCURACY)
    axes.set_aspect("equal")
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(-0.05, 1.05)
    axes.plot((0, 1), (0, 1), color=FAINT, linewidth=1, linestyle=(0, (4, 2)), label="perfect calibration")
    for (label, bins), colour in zip(bins_by_label.items(), LINE_COLOURS, strict=False):
        filled = filled_bins(bins)
        xs, ys = [one.confidence for one in filled], [one.accuracy for one in filled]
        axes.plot(xs, ys, color=colour, linewidth=1.5, label=label)
        axes.scatter(xs, ys, s=point_areas(filled), color=colour, alpha=0.6, linewidths=0)
    figure.legend(loc="outside right upper", frameon=False, labelcolor=INK)
    return figure


def filled_bins(bins: Sequence[Bin]) -> list[Bin]:
    """Bins that hold images."""
    return [one for one in bins if one.images]


def point_areas(bins: Sequence[Bin]) -> list[float]:
    """Areas in square points, by number of images, and never too small to be seen."""
    total = sum(one.images for one in bins)
    return [12 + 300 * one.images / total for one in bins]
