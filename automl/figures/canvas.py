"""Size, colours and files of all printed figures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from automl.own_files import PICTURE_MARK

WIDTH_INCHES = 8.3
"""Width of a figure. At 200 dots per inch it is twice the 830 pixels of a README on GitHub: sharp on every screen."""
DOTS_PER_INCH = 200
SMALL_DOTS_PER_INCH = 100
SMALL_COLOURS = 64
FONT_POINTS = 10

INK = "#333333"
FAINT = "#8c8c8c"
GRID = "#e6e6e6"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Distinct with every form of colour blindness. Source: Okabe and Ito 2008, without the yellow, faint on white."""


def new_figure(*, height_inches: float, width_inches: float = WIDTH_INCHES) -> Figure:
    """Empty figure that no global state knows, drawn without a display."""
    figure = Figure(figsize=(width_inches, height_inches), dpi=DOTS_PER_INCH, layout="compressed", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style(axes: Axes, *, x_label: str, y_label: str) -> None:
    """Label the axes, and leave out the parts of the frame that do not help."""
    axes.set_xlabel(x_label, color=INK, fontsize=FONT_POINTS)
    axes.set_ylabel(y_label, color=INK, fontsize=FONT_POINTS)
    axes.tick_params(colors=INK, labelsize=FONT_POINTS - 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG; the same figure gives the same bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata=PICTURE_MARK)
    return buffer.getvalue()


def small_png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG of half the width and few colours, for a picture of every trial: about 12 kB and 0.1 s."""
    figure.set_dpi(SMALL_DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]
    buffer = BytesIO()
    drawn.quantize(SMALL_COLOURS, dither=Image.Dither.NONE).save(buffer, format="PNG")
    return buffer.getvalue()


def save_png(figure: Figure, path: Path) -> None:
    """Write the PNG beside `path`, then rename it.

    Raises: OSError if it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(png_bytes(figure))
    unfinished.replace(path)
