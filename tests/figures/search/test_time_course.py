import math

import numpy as np
import pytest

from automl.figures.search.time_course import PhaseSpan, TimedTrial, best_over_time, best_so_far, unit_of_time
from tests.figures.layout import is_cut_off, legend_labels

TRIALS = [
    TimedTrial(1, 60.0, 0.6),
    TimedTrial(0, 30.0, 0.5),
    TimedTrial(2, 90.0, math.nan),
    TimedTrial(3, 480.0, 0.9, is_final=True),
    TimedTrial(4, 300.0, 0.55),
]
PHASES = [PhaseSpan("first models", 0, 20), PhaseSpan("search", 20, 400), PhaseSpan("final training", 400, 600)]


def test_best_so_far_follows_the_time_and_not_the_number() -> None:
    assert [trial.number for trial in best_so_far(TRIALS, maximize=True)] == [0, 1, 3]
    assert [trial.number for trial in best_so_far(TRIALS, maximize=False)] == [0]


@pytest.mark.parametrize("phases", [PHASES, []])
def test_line_rises_where_the_model_was_there_and_reaches_the_end(phases: list[PhaseSpan]) -> None:
    figure = best_over_time(TRIALS, phases, end=600, value_label="validation accuracy", maximize=True)
    axes = figure.axes[0]
    line = next(line for line in axes.lines if line.get_label() == "best model")
    assert np.asarray(line.get_xydata()).tolist() == [[0.5, 0.5], [1, 0.6], [8, 0.9], [10, 0.9]]
    assert line.get_drawstyle() == "steps-post"
    assert axes.get_xlabel() == "minutes of the study"
    assert legend_labels(figure) == ["complete trial", "final training", "best model"]
    assert [text.get_text().strip() for text in axes.texts] == [phase.name for phase in phases]
    assert not is_cut_off(figure)


def test_unit_follows_the_length() -> None:
    assert [unit_of_time(seconds)[1] for seconds in (60, 600, 3600, 10000)] == [
        "seconds",
        "minutes",
        "minutes",
        "hours",
    ]
