"""Optimization history, learning curves, baselines, architecture and device time, on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import plotly.graph_objects as go

from automl.figures.canvas import COLOURS, FAINT
from automl.figures.interactive.plotly_page import axis_look, new_page_figure, plain, whole_ticks
from automl.figures.search.architecture import KIND_COLOURS, PANELS, Architecture, Kind, Panel, kinds_of
from automl.figures.search.baseline_gain import Baseline, wrapped
from automl.figures.search.effort import SAVED_COLOUR, STATE_COLOURS, TrialEffort, unit_of
from automl.figures.search.history import TrialPoint, records
from automl.figures.search.learning_curves import LearningCurve

MARKERS: Mapping[str, Mapping[str, object]] = {
    "complete": {"color": COLOURS[0], "size": 9},
    "pruned": {"color": FAINT, "size": 8, "symbol": "circle-open"},
    "failed": {"color": COLOURS[1], "size": 9, "symbol": "x-thin-open"},
}
PANEL_GAP = 0.05


def interactive_history(
    points: Sequence[TrialPoint], *, descriptions: Mapping[int, str], value_label: str, maximize: bool
) -> go.Figure:
    """Value of every trial by its number, with the best so far; a point shows its trial's recipe.

    Trials without a value failed in their first epoch. They are drawn at the value of the worst of the others.
    """
    figure = new_page_figure(height_pixels=420, x_label="trial number", y_label=value_label)
    figure.update_xaxes(whole_ticks([point.number for point in points]))
    best = records(points, maximize=maximize)
    if best:
        last = (max(point.number for point in points), best[-1][1])
        xs, ys = zip(*best, last, strict=True)
        line = {"color": COLOURS[2], "width": 2, "shape": "hv"}
        figure.add_scatter(x=xs, y=ys, mode="lines", line=line, name="best so far", hoverinfo="skip")
    worst = (min if maximize else max)((point.value for point in points if _is_number(point.value)), default=0.0)
    for state, marker in MARKERS.items():
        shown = [point for point in points if point.state == state]
        if shown:
            figure.add_scatter(
                x=[point.number for point in shown],
                y=[point.value if _is_number(point.value) else worst for point in shown],
                mode="markers",
                marker=marker,
                name=f"{state} trial",
                text=[_hover_text(point, descriptions.get(point.number, "")) for point in shown],
                hovertemplate="%{text}<extra></extra>",
            )
    return figure


def interactive_curves(curves: Sequence[LearningCurve], *, value_label: str) -> go.Figure:
    """Validation as a line and training as dashes, in one colour a trial; a click on its name hides a trial."""
    figure = new_page_figure(height_pixels=420, x_label="epoch", y_label=value_label)
    figure.update_xaxes(whole_ticks([epoch for curve in curves for epoch in curve.epochs]))
    for curve, colour in zip(curves, COLOURS, strict=False):
        for values, kind, line in (
            (curve.validation, "validation", {"color": colour, "width": 2.5}),
            (curve.train, "training", {"color": colour, "width": 1.2, "dash": "dash"}),
        ):
            figure.add_scatter(
                x=list(curve.epochs),
                y=list(values),
                mode="lines" if len(curve.epochs) > 1 else "markers",
                line=line,
                marker={"color": colour},
                name=plain(curve.label),
                legendgroup=curve.label,
                showlegend=kind == "validation",
                hovertemplate=f"{plain(curve.label)}, {kind}<br>epoch %{{x}}: %{{y:.4f}}<extra></extra>",
            )
    return figure


def interactive_baselines(baselines: Sequence[Baseline], *, value_label: str) -> go.Figure:
    """A point for each baseline, the simplest on top, the winner in a colour of its own."""
    figure = new_page_figure(height_pixels=130 + 60 * len(baselines), x_label=value_label)
    labels = [plain(wrapped(baseline.label)).replace("\n", "<br>") for baseline in baselines]
    points = [(baseline, row) for row, baseline in enumerate(baselines) if baseline.value is not None]
    colours = [COLOURS[2] if baseline.is_winner else COLOURS[0] for baseline, _ in points]
    figure.add_scatter(
        x=[baseline.value for baseline, _ in points],
        y=[row for _, row in points],
        mode="lines+markers+text",
        line={"color": FAINT, "width": 1},
        marker={
            "size": 13,
            "color": [
                colour if baseline.complete else "white" for (baseline, _), colour in zip(points, colours, strict=True)
            ],
            "line": {"color": colours, "width": 2},
        },
        text=[f"{baseline.value:.4f}" + ("" if baseline.complete else ", incomplete") for baseline, _ in points],
        textposition="top center",
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )
    rows = {"tickvals": list(range(len(baselines))), "ticktext": labels, "range": [len(baselines) - 0.4, -0.6]}
    figure.update_yaxes(showgrid=False, **rows)
    return figure


def interactive_architecture(architectures: Sequence[Architecture], *, value_label: str) -> go.Figure:
    """Value by depth, by width and by number of parameters; hollow points were pruned or failed."""
    figure = new_page_figure(height_pixels=400, y_label=value_label)
    for position, panel in enumerate(PANELS):
        suffix = "" if position == 0 else str(position + 1)
        left, right = position / len(PANELS), (position + 1) / len(PANELS)
        look = axis_look(panel.label) | {"domain": [left + PANEL_GAP / 2, right - PANEL_GAP / 2], "anchor": "y"}
        positions = [at for one in architectures if (at := panel.of(one)) is not None]
        figure.update_layout({f"xaxis{suffix}": look | ({"type": "log"} if panel.log else whole_ticks(positions))})
        for kind in kinds_of(architectures):
            shown = [one for one in architectures if one.kind == kind and panel.of(one) is not None]
            figure.add_scatter(xaxis=f"x{suffix}", showlegend=position == 0, **_networks(shown, kind, panel))
    return figure


def _networks(shown: Sequence[Architecture], kind: Kind, panel: Panel) -> dict[str, object]:
    """Points of one kind of network in one panel."""
    return {
        "x": [panel.of(one) for one in shown],
        "y": [one.value for one in shown],
        "mode": "markers",
        "marker": {
            "color": KIND_COLOURS[kind],
            "size": 9,
            "symbol": ["circle" if one.complete else "circle-open" for one in shown],
        },
        "name": kind,
        "legendgroup": kind,
        "text": [f"trial {one.number}" for one in shown],
        "hovertemplate": f"<b>%{{text}}: %{{y:.4f}}</b><br>{kind}, {panel.label}: %{{x}}<extra></extra>",
    }


def interactive_effort(efforts: Sequence[TrialEffort]) -> go.Figure:
    """A bar for each trial by its number: what was trained and, on top of it, what pruning saved."""
    unit, unit_seconds = unit_of(efforts)
    figure = new_page_figure(height_pixels=380, x_label="trial number", y_label=f"device {unit}")
    figure.update_layout(barmode="stack", bargap=0.15)
    figure.update_xaxes(whole_ticks([effort.number for effort in efforts]))
    for state, colour in STATE_COLOURS.items():
        shown = [effort for effort in efforts if effort.state == state]
        if shown:
            figure.add_bar(
                x=[effort.number for effort in shown],
                y=[effort.trained_seconds / unit_seconds for effort in shown],
                marker={"color": colour},
                name=f"{state} trial",
                hovertemplate=f"trial %{{x}}: %{{y:.2f}} {unit} trained<extra></extra>",
            )
    saved = [effort for effort in efforts if effort.saved_seconds > 0]
    if saved:
        figure.add_bar(
            x=[effort.number for effort in saved],
            y=[effort.saved_seconds / unit_seconds for effort in saved],
            marker={"color": SAVED_COLOUR, "pattern": {"shape": "/", "fgcolor": COLOURS[2]}},
            name="saved by pruning",
            hovertemplate=f"trial %{{x}}: %{{y:.2f}} {unit} saved<extra></extra>",
        )
    return figure


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _hover_text(point: TrialPoint, description: str) -> str:
    """Text of a point: the trial's value, and its recipe with one of its parts a line."""
    value = f"{point.value:.4f}" if _is_number(point.value) else "no epoch was finished"
    return f"<b>trial {point.number}, {point.state}: {value}</b><br>{plain(description).replace('; ', '<br>')}"
