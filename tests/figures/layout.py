"""What a reader of a figure sees."""

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def is_cut_off(figure: Figure) -> bool:
    """Whether a text or a point lies outside the picture, by more than the half pixel of rounding."""
    assert isinstance(figure.canvas, FigureCanvasAgg)
    figure.canvas.draw()  # type: ignore[no-untyped-call]
    drawn, whole = figure.get_tightbbox(), figure.bbox_inches
    slack = 0.5 / figure.dpi
    return bool(drawn.x0 < -slack or drawn.y0 < -slack or drawn.x1 > whole.x1 + slack or drawn.y1 > whole.y1 + slack)


def legend_labels(figure: Figure) -> list[str]:
    """The legend's entries, in their order."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]
