"""Value against size and latency, on a page."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from automl.figures.canvas import COLOURS, FAINT
from automl.figures.interactive.plotly_page import axis_look, new_page_figure, plain
from automl.figures.search.trade_off import PRICES, Price, Priced, pareto_front, shown_prices

PANEL_GAP = 0.05


def interactive_trade_off(
    priced: Sequence[Priced], *, value_label: str, maximize: bool, limits: Sequence[float | None]
) -> go.Figure:
    """A panel for each price, with the front as a line; a point shows its trial."""
    prices = shown_prices(priced)
    figure = new_page_figure(height_pixels=420, y_label=value_label)
    for position, price in enumerate(prices):
        suffix = "" if position == 0 else str(position + 1)
        left, right = position / len(prices), (position + 1) / len(prices)
        look = axis_look(price.label) | {"domain": [left + PANEL_GAP / 2, right - PANEL_GAP / 2], "anchor": "y"}
        figure.update_layout({f"xaxis{suffix}": look | {"type": "log"}})
        front = pareto_front(priced, price, maximize=maximize)
        others = [one for one in priced if one not in front and price.of(one) is not None]
        panel = {"xaxis": f"x{suffix}", "showlegend": position == 0}
        figure.add_scatter(
            **panel, **_points(others, price, "trial"), mode="markers", marker={"color": FAINT, "size": 8}
        )
        figure.add_scatter(
            **panel,
            **_points(front, price, "Pareto front"),
            mode="lines+markers",
            line={"color": COLOURS[2], "width": 2, "shape": "hv"},
            marker={"color": COLOURS[2], "size": 10},
        )
        limit = limits[PRICES.index(price)]
        if limit is not None:
            dashes = {"color": COLOURS[1], "dash": "dash"}
            figure.add_shape(type="line", xref=f"x{suffix}", yref="paper", x0=limit, x1=limit, y0=0, y1=1, line=dashes)
    return figure


def _points(shown: Sequence[Priced], price: Price, name: str) -> dict[str, object]:
    return {
        "x": [price.of(one) for one in shown],
        "y": [one.value for one in shown],
        "name": name,
        "legendgroup": name,
        "text": [plain(one.label) for one in shown],
        "hovertemplate": f"<b>%{{text}}: %{{y:.4f}}</b><br>%{{x:.4~g}} {plain(price.label)}<extra></extra>",
    }
