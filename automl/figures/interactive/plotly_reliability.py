"""Reliability diagram, on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from automl.figures.canvas import FAINT
from automl.figures.images.reliability import ACCURACY, CONFIDENCE, LINE_COLOURS, filled_bins, point_areas
from automl.figures.interactive.plotly_page import new_page_figure, plain
from automl.training.evaluation.calibration import Bin


def interactive_reliability(bins_by_label: Mapping[str, Sequence[Bin]]) -> go.Figure:
    """Draw a line for each set of bins. A point shows its number of images."""
    figure = new_page_figure(height_pixels=460, x_label=CONFIDENCE, y_label=ACCURACY)
    dashes = {"color": FAINT, "width": 1, "dash": "dash"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=dashes, name="perfect calibration", hoverinfo="skip")
    for (label, bins), colour in zip(bins_by_label.items(), LINE_COLOURS, strict=False):
        filled = filled_bins(bins)
        figure.add_scatter(
            x=[one.confidence for one in filled],
            y=[one.accuracy for one in filled],
            mode="lines+markers",
            line={"color": colour, "width": 1.5},
            marker={"color": colour, "size": [area**0.5 for area in point_areas(filled)]},
            name=plain(label),
            text=[f"{one.images:,} images" for one in filled],
            hovertemplate=f"{plain(label)}, %{{text}}<br>confidence %{{x:.3f}}, accuracy %{{y:.3f}}<extra></extra>",
        )
    return figure
