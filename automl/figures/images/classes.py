"""Number of images of each class and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from automl.figures.canvas import COLOURS, FONT_POINTS, INK, new_figure, style

MOST_NAMES = 60
"""Largest number of class names. Of more classes, only some are named."""
MOST_INCHES = 12.0
LONGEST_NAME = 24
"""Longest class name, in letters."""


def class_bars(counts: Mapping[str, npt.NDArray[np.int64]], class_names: Sequence[str]) -> Figure:
    """A bar for each class, its images by split (the mapping's keys) one after the other, and their sum at its end."""
    classes = len(class_names)
    figure = new_figure(height_inches=min(MOST_INCHES, 1.4 + 0.28 * classes))
    axes = figure.add_subplot()
    style(axes, x_label="images", y_label="")
    left_K = np.zeros(classes, np.int64)
    for (split, counts_K), colour in zip(counts.items(), COLOURS, strict=False):
        axes.barh(np.arange(classes), counts_K, left=left_K, color=colour, label=split, height=0.75)
        left_K = left_K + counts_K
    named = range(0, classes, -(-classes // MOST_NAMES))
    axes.set_yticks(named, [printable(class_names[label], label) for label in named], fontsize=FONT_POINTS - 1)
    for label in named:
        text = f" {left_K[label]:,}"
        axes.text(left_K[label], label, text, va="center", color=INK, fontsize=FONT_POINTS - 2)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(loc="outside upper center", ncols=len(counts), frameon=False, labelcolor=INK)
    return figure


def printable(name: str, label: int, *, longest: int = LONGEST_NAME) -> str:
    """The class's name as matplotlib takes it, in at most `longest` letters.

    Its number where the font lacks a letter of it: Chinese would be boxes. Two dollars would be a formula.
    """
    font = get_font(findfont(FontProperties()))
    if not all(font.get_char_index(ord(letter)) for letter in name):
        return f"class {label}"
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return short.replace("$", r"\$")
