"""Confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from automl.figures.canvas import FONT_POINTS, INK, WIDTH_INCHES, new_figure, style
from automl.figures.images.classes import printable

MOST_CLASSES_WITH_TEXT = 15
MOST_CLASSES_WITH_NAMES = 60
DARK_SHARE = 0.715
"""Share above which white text is easier to read on a cell than black, at a contrast of 4.6."""


def confusion_matrix(matrix_KK: npt.NDArray[np.int64], class_names: Sequence[str]) -> Figure:
    """Counts of images by true class (rows) and predicted class (columns), coloured by the share of their row.

    Each cell says its share of the row in per cent, up to 15 classes; a class without an image has an empty row.
    """
    assert matrix_KK.shape == (len(class_names), len(class_names))
    shares_KK = row_shares(matrix_KK)
    side = min(WIDTH_INCHES, 3 + 0.5 * len(class_names))
    figure = new_figure(width_inches=side, height_inches=side)
    axes = figure.add_subplot()
    image = axes.imshow(shares_KK, cmap="Blues", vmin=0, vmax=1)
    style(axes, x_label="predicted class", y_label="true class (images)")
    _name_classes(axes, class_names, matrix_KK.sum(axis=1))
    if len(class_names) <= MOST_CLASSES_WITH_TEXT:
        axes.set_title("per cent of the true class", color=INK, fontsize=FONT_POINTS)
        _write_shares(axes, shares_KK)
    else:
        _add_colour_bar(figure, axes, image)
    return figure


def row_shares(matrix_KK: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Each row divided by its sum; a row without an image stays 0."""
    totals_K1 = matrix_KK.sum(axis=1, keepdims=True)
    shares_KK: npt.NDArray[np.float64] = matrix_KK / np.maximum(totals_K1, 1)
    return shares_KK


def cell_text(share: float) -> str:
    """A cell's share of its row in per cent; nothing for nothing."""
    if share == 0:
        return ""
    return f"{100 * share:.0f}" if share >= 0.01 else "<1"


def _name_classes(axes: Axes, class_names: Sequence[str], totals_K: npt.NDArray[np.int64]) -> None:
    step = -(-len(class_names) // MOST_CLASSES_WITH_NAMES)
    shown = range(0, len(class_names), step)
    size = FONT_POINTS - 1 if len(class_names) <= MOST_CLASSES_WITH_TEXT else 6
    names = [printable(class_names[k], k) for k in shown]
    axes.set_xticks(shown, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(shown, [f"{name} ({totals_K[k]:,})" for k, name in zip(shown, names, strict=True)], fontsize=size)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)


def _write_shares(axes: Axes, shares_KK: npt.NDArray[np.float64]) -> None:
    for (row, column), share in np.ndenumerate(shares_KK):
        if share == 0:
            continue
        colour = "white" if share > DARK_SHARE else "black"
        weight = "bold" if row == column else "normal"
        text = cell_text(float(share))
        axes.text(
            column, row, text, ha="center", va="center", color=colour, fontsize=FONT_POINTS - 1, fontweight=weight
        )


def _add_colour_bar(figure: Figure, axes: Axes, image: AxesImage) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.6, format=PercentFormatter(xmax=1))
    bar.set_label("share of the true class", color=INK, fontsize=FONT_POINTS - 1)
    bar.ax.tick_params(labelsize=FONT_POINTS - 2, colors=INK)
    bar.outline.set_visible(False)
