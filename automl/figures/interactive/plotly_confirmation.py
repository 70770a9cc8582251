"""Values of the confirmed recipes with new seeds, on a page."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from automl.figures.canvas import COLOURS, FAINT
from automl.figures.interactive.plotly_page import new_page_figure, plain
from automl.figures.search.confirmation import RepeatedRecipe


def interactive_confirmation(repeated: Sequence[RepeatedRecipe], *, value_label: str) -> go.Figure:
    """A row for each recipe, the best mean on top."""
    figure = new_page_figure(height_pixels=150 + 50 * len(repeated), x_label=value_label)
    labels = [plain(one.label) for one in repeated]
    figure.update_yaxes(
        tickvals=list(range(len(repeated))), ticktext=labels, range=[len(repeated) - 0.5, -0.5], showgrid=False
    )
    seeds = [(value, row) for row, one in enumerate(repeated) for value in one.values]
    _scatter(figure, seeds, name="new seed", marker={"color": FAINT, "size": 7})
    means = [(one.mean, row) for row, one in enumerate(repeated)]
    look = {"marker": {"color": COLOURS[0], "size": 12}, "error_x": _bars(repeated)}
    _scatter(figure, means, name="mean, 95 % interval", **look)
    found = [(one.search_value, row) for row, one in enumerate(repeated)]
    _scatter(figure, found, name="in the search", marker={"color": COLOURS[1], "size": 12, "symbol": "circle-open"})
    return figure


def _scatter(figure: go.Figure, points: Sequence[tuple[float, int]], *, name: str, **look: object) -> None:
    figure.add_scatter(
        x=[value for value, _ in points],
        y=[row for _, row in points],
        mode="markers",
        name=name,
        hovertemplate=f"{name}: %{{x:.4f}}<extra></extra>",
        **look,
    )


def _bars(repeated: Sequence[RepeatedRecipe]) -> dict[str, object]:
    """Lengths of the intervals to both sides of the means, 0 where there is none."""
    known = [(one.mean, one.interval or (one.mean, one.mean)) for one in repeated]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - mean for mean, (_, high) in known],
        "arrayminus": [mean - low for mean, (low, _) in known],
    }
