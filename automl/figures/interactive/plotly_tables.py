"""Hyperparameter importance, parallel coordinates and confusion matrix, on a page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from matplotlib.colors import to_hex

from automl.figures.canvas import COLOURS
from automl.figures.images.confusion import MOST_CLASSES_WITH_TEXT, cell_text, row_shares
from automl.figures.interactive.plotly_page import new_page_figure, plain
from automl.figures.search.importances import MOST_SHOWN, Importance, per_cent, spoken
from automl.figures.search.parallel import NOT_LIVE, ParallelAxis, colour_map, goodness_of

COLOUR_STEPS = 12


def interactive_importances(importances: Sequence[Importance]) -> go.Figure:
    """A bar for each of the first fifteen, in their order from the top."""
    shown = importances[:MOST_SHOWN]
    figure = new_page_figure(height_pixels=100 + 32 * len(shown), x_label="share of the importance")
    figure.add_bar(
        x=[one.share for one in shown],
        y=[plain(spoken(one.name)) for one in shown],
        orientation="h",
        marker={"color": COLOURS[0]},
        text=[per_cent(one.share) for one in shown],
        textposition="outside",
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(tickformat=".0%")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def interactive_parallel(axes_of_trials: Sequence[ParallelAxis], *, maximize: bool) -> go.Figure:
    """A line for each trial; a stroke along an axis keeps the lines that cross it there."""
    figure = new_page_figure(height_pixels=460)
    steps = np.linspace(0, 1, COLOUR_STEPS)
    scale = [(float(step), to_hex(colour)) for step, colour in zip(steps, colour_map()(steps), strict=True)]
    figure.add_parcoords(
        dimensions=[
            {
                "label": plain(axis.name),
                "values": list(axis.positions),
                "range": [NOT_LIVE if NOT_LIVE in axis.positions else 0, 1],
                "tickvals": [position for position, _ in axis.ticks],
                "ticktext": [plain(text) for _, text in axis.ticks],
            }
            for axis in axes_of_trials
        ],
        line={"color": goodness_of(axes_of_trials[-1], maximize=maximize), "colorscale": scale, "cmin": 0, "cmax": 1},
        labelangle=-20,
    )
    figure.update_layout(margin={"l": 70, "r": 60, "t": 90, "b": 30})
    return figure


def interactive_confusion(matrix_KK: npt.NDArray[np.int64], class_names: Sequence[str]) -> go.Figure:
    """Images by true and predicted class, in per cent of the true class; a cell shows its count."""
    shares_KK = row_shares(matrix_KK)
    names = [plain(name) for name in class_names]
    side = min(820, 260 + 46 * len(names))
    figure = new_page_figure(height_pixels=side, x_label="predicted class", y_label="true class")
    figure.add_heatmap(
        z=shares_KK.tolist(),
        x=names,
        y=names,
        customdata=matrix_KK.tolist(),
        colorscale="Blues",
        zmin=0,
        zmax=1,
        text=[[cell_text(share) for share in row] for row in shares_KK.tolist()],
        texttemplate="%{text}" if len(names) <= MOST_CLASSES_WITH_TEXT else None,
        hovertemplate="%{y} predicted as %{x}: %{customdata} images, %{z:.1%} of %{y}<extra></extra>",
        colorbar={"tickformat": ".0%", "outlinewidth": 0, "thickness": 12},
    )
    figure.update_layout(width=min(900, side + 120))
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", showgrid=False, autorange="reversed")
    return figure
