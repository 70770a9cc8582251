"""The time of a study on a page: the best exportable model over it, forecast and real seconds of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from automl.figures.canvas import COLOURS, FAINT
from automl.figures.interactive.plotly_page import new_page_figure
from automl.figures.search.forecasts import LABELS, ForecastPace, ends_of
from automl.figures.search.time_course import LOOKS, SHADES, PhaseSpan, TimedTrial, best_so_far, unit_of_time


def interactive_best_over_time(
    trials: Sequence[TimedTrial], phases: Sequence[PhaseSpan], *, end: float, value_label: str, maximize: bool
) -> go.Figure:
    """Every complete trial at its end, and the best model so far as a line up to `end`, in seconds."""
    unit, name = unit_of_time(end)
    figure = new_page_figure(height_pixels=420, x_label=f"{name} of the study", y_label=value_label)
    figure.update_xaxes(range=[0, end / unit])
    for position, phase in enumerate(phases):
        figure.add_vrect(
            x0=phase.start / unit,
            x1=min(phase.end, end) / unit,
            fillcolor=SHADES[position % len(SHADES)],
            line_width=0,
            layer="below",
            annotation_text=phase.name,
            annotation_position="bottom left",
            annotation_font={"color": FAINT},
        )
    best = best_so_far(trials, maximize=maximize)
    if best:
        figure.add_scatter(
            x=[*(trial.seconds / unit for trial in best), end / unit],
            y=[*(trial.value for trial in best), best[-1].value],
            mode="lines",
            line={"color": COLOURS[2], "width": 2, "shape": "hv"},
            name="best model",
            hoverinfo="skip",
        )
    for is_final, (label, colour) in LOOKS.items():
        shown = [trial for trial in trials if trial.is_final == is_final]
        if shown:
            figure.add_scatter(
                x=[trial.seconds / unit for trial in shown],
                y=[trial.value for trial in shown],
                mode="markers",
                marker={"color": colour, "size": 9},
                name=label,
                text=[f"trial {trial.number}: {trial.value:.4f}" for trial in shown],
                hovertemplate="%{text}<extra></extra>",
            )
    return figure


def interactive_forecasts(paces: Sequence[ForecastPace]) -> go.Figure:
    """A point a trial on two logarithmic axes, and the line on which forecast and reality agree."""
    figure = new_page_figure(height_pixels=420, x_label=LABELS[0], y_label=LABELS[1])
    ends = ends_of(paces)
    reach = [math.log10(end) for end in ends]
    figure.update_xaxes(type="log", range=reach)
    figure.update_yaxes(type="log", range=reach)
    figure.add_scatter(
        x=ends, y=ends, mode="lines", line={"color": FAINT, "width": 1}, name="as forecast", hoverinfo="skip"
    )
    figure.add_scatter(
        x=[pace.forecast for pace in paces],
        y=[pace.real for pace in paces],
        mode="markers",
        marker={"color": COLOURS[0], "size": 9},
        name="trial",
        text=[f"trial {pace.number}: {pace.forecast:.3g} s forecast, {pace.real:.3g} s real" for pace in paces],
        hovertemplate="%{text}<extra></extra>",
    )
    return figure
