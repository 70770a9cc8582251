"""Most confident errors: misclassified images with the probability of the wrong class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from automl.figures.canvas import FONT_POINTS, INK, WIDTH_INCHES, new_figure
from automl.figures.images.classes import printable

COLUMNS = 6
LABEL_LETTERS = 20


@dataclass(frozen=True)
class Misclassified:
    """One misclassified image, H × W pixels of C = 1 or 3 channels."""

    image_HWC: npt.NDArray[np.uint8]
    true: int
    """Index of the true class."""
    predicted: int
    probability: float
    """Probability of the predicted, wrong class."""


def misclassified_sheet(images: Sequence[Misclassified], class_names: Sequence[str]) -> Figure:
    """Images in rows of six, each with its true class, the predicted one and the model's probability of it."""
    rows = max(1, -(-len(images) // COLUMNS))
    figure = new_figure(height_inches=rows * (WIDTH_INCHES / COLUMNS + 0.55))
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image in zip(grid.flat, images, strict=False):
        _draw(axes, image, class_names)
    return figure


def _draw(axes: Axes, image: Misclassified, class_names: Sequence[str]) -> None:
    pixels = image.image_HWC
    axes.imshow(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
    lines = [
        begin + printable(class_names[label], label, longest=LABEL_LETTERS - len(begin))
        for begin, label in (("true: ", image.true), ("predicted: ", image.predicted))
    ]
    title = "\n".join([*lines, f"{image.probability:.3f}"])
    axes.set_title(title, fontsize=FONT_POINTS - 2, color=INK)
