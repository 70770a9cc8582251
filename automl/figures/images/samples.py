"""Images of each class, side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from automl.figures.canvas import FONT_POINTS, INK, WIDTH_INCHES, new_figure
from automl.figures.images.classes import printable

MOST_CLASSES = 40
"""Largest number of rows of a sheet. Of more classes, only some are shown."""
GAP_SHARE = 0.06
"""Gap between two images, as a share of their width."""
NAME_INCHES = 1.6


def sample_sheet(images_by_class: Sequence[npt.NDArray[np.uint8]], class_names: Sequence[str]) -> Figure:
    """A row of images for each class; every entry is N × H × W × C uint8, all of one H × W × C."""
    shown = range(0, len(class_names), -(-len(class_names) // MOST_CLASSES))
    sheet, row_pixels = _mosaic([images_by_class[label] for label in shown])
    height_inches = 0.5 + (WIDTH_INCHES - NAME_INCHES) * sheet.shape[0] / sheet.shape[1]
    figure = new_figure(height_inches=height_inches)
    axes = figure.add_subplot()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    middles = [(row + 0.5) * row_pixels for row in range(len(shown))]
    axes.set_yticks(
        middles, [printable(class_names[label], label) for label in shown], color=INK, fontsize=FONT_POINTS - 1
    )
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(shown) < len(class_names):
        axes.set_title(f"{len(shown)} of {len(class_names)} classes", color=INK, fontsize=FONT_POINTS)
    return figure


def _mosaic(images_by_class: Sequence[npt.NDArray[np.uint8]]) -> tuple[npt.NDArray[np.uint8], int]:
    """All images on white, rows × columns (× 3), and the pixels from one row to the next."""
    height, width, channels = images_by_class[0].shape[1:]
    gap = max(1, round(GAP_SHARE * width))
    columns = max(len(images) for images in images_by_class)
    shape = (len(images_by_class) * (height + gap), columns * (width + gap), channels)
    sheet = np.full(shape, 255, np.uint8)
    for row, images in enumerate(images_by_class):
        for column, image in enumerate(images):
            top, left = row * (height + gap), column * (width + gap)
            sheet[top : top + height, left : left + width] = image
    return sheet.squeeze(axis=2) if channels == 1 else sheet, height + gap
