"""The page's pictures show what the printed ones show."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from automl.figures.interactive.plotly_page import plain, whole_ticks
from automl.figures.interactive.plotly_trials import (
    interactive_architecture,
    interactive_baselines,
    interactive_curves,
    interactive_effort,
    interactive_history,
)
from automl.figures.search.baseline_gain import Baseline
from automl.figures.search.effort import TrialEffort
from automl.figures.search.history import TrialPoint
from automl.figures.search.learning_curves import LearningCurve
from tests.figures.search.test_architecture import NETWORKS, points

POINTS = [
    TrialPoint(0, "complete", 0.5),
    TrialPoint(1, "failed", None),
    TrialPoint(2, "pruned", 0.7),
    TrialPoint(3, "complete", 0.6),
]


def traces(figure: go.Figure) -> list[dict[str, Any]]:
    """As a browser gets them."""
    return list(json.loads(figure.to_json())["data"])


def test_history_has_every_trial_and_the_best_so_far() -> None:
    figure = interactive_history(POINTS, descriptions={0: "perceptron; adamw"}, value_label="accuracy", maximize=True)
    found = {trace["name"]: (trace["x"], trace["y"]) for trace in traces(figure)}
    assert found == {
        "best so far": ([0, 3, 3], [0.5, 0.6, 0.6]),
        "complete trial": ([0, 3], [0.5, 0.6]),
        "pruned trial": ([2], [0.7]),
        "failed trial": ([1], [0.5]),
    }


def test_points_of_the_history_tell_the_recipe_and_why_there_is_no_value() -> None:
    descriptions = {0: "perceptron; adamw", 1: "3 stages <wide>"}
    shown = traces(interactive_history(POINTS, descriptions=descriptions, value_label="accuracy", maximize=True))
    assert shown[1]["text"][0] == "<b>trial 0, complete: 0.5000</b><br>perceptron<br>adamw"
    assert shown[3]["text"] == ["<b>trial 1, failed: no epoch was finished</b><br>3 stages &lt;wide&gt;"]


def test_history_of_failures_alone_can_be_drawn() -> None:
    figure = interactive_history(POINTS[1:2], descriptions={}, value_label="accuracy", maximize=True)
    assert [trace["y"] for trace in traces(figure)] == [[0]]


def test_curves_are_the_figures_given() -> None:
    curve = LearningCurve("trial 4", range(3), [0.1, 0.2, 0.3], [0.15, 0.25, 0.35])
    validation, training = traces(interactive_curves([curve], value_label="accuracy"))
    assert (validation["x"], validation["y"]) == ([0, 1, 2], [0.15, 0.25, 0.35])
    assert (training["y"], training["line"]["dash"], training["legendgroup"]) == ([0.1, 0.2, 0.3], "dash", "trial 4")


def test_baselines_start_at_the_top_and_leave_empty_ones_out() -> None:
    baselines = [Baseline("perceptron", 0.9), Baseline("plain", None), Baseline("residual", 0.8, complete=False)]
    figure = interactive_baselines(baselines, value_label="accuracy")
    [trace] = traces(figure)
    assert (trace["x"], trace["y"], trace["text"]) == ([0.9, 0.8], [0, 2], ["0.9000", "0.8000, incomplete"])
    assert figure.layout.yaxis.ticktext == ("perceptron", "plain", "residual")
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]


@pytest.mark.parametrize("panel", [0, 1, 2])
def test_architecture_has_the_printed_points(panel: int) -> None:
    axis = ("x", "x2", "x3")[panel]
    shown = [t for t in traces(interactive_architecture(NETWORKS, value_label="accuracy")) if t["xaxis"] == axis]
    found = [list(point) for trace in shown for point in zip(trace["x"], trace["y"], strict=True)]
    assert sorted(found) == sorted(points(panel))


def test_effort_stacks_what_was_saved_on_what_was_trained() -> None:
    efforts = [TrialEffort(0, "complete", 300, 0), TrialEffort(1, "pruned", 120, 180)]
    figure = interactive_effort(efforts)
    assert [(t["name"], t["x"], t["y"]) for t in traces(figure)] == [
        ("complete trial", [0], [5]),
        ("pruned trial", [1], [2]),
        ("saved by pruning", [1], [3]),
    ]
    assert figure.layout.barmode == "stack"


@pytest.mark.parametrize(("highest", "step"), [(0, 1), (4, 1), (10, 1), (11, 2), (39, 5), (1000, 100)])
def test_axes_that_count_have_whole_ticks(highest: int, step: int) -> None:
    assert whole_ticks(range(highest + 1))["dtick"] == step


def test_text_of_a_user_is_no_markup() -> None:
    assert plain("<b>bold</b> & more") == "&lt;b&gt;bold&lt;/b&gt; &amp; more"


def test_figures_are_json_without_numpy() -> None:
    curve = LearningCurve("trial 0", np.arange(3).tolist(), [0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert "bdata" not in interactive_curves([curve], value_label="accuracy").to_json()
