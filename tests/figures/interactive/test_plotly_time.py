from __future__ import annotations

from automl.figures.interactive.plotly_time import interactive_best_over_time, interactive_forecasts
from tests.figures.search.test_forecasts import PACES
from tests.figures.search.test_time_course import PHASES, TRIALS


def test_page_has_the_line_the_trials_and_the_phases() -> None:
    figure = interactive_best_over_time(TRIALS, PHASES, end=600, value_label="validation accuracy", maximize=True)
    drawn = {trace.name: list(trace.x) for trace in figure.data}
    assert drawn["best model"] == [0.5, 1, 8, 10]
    assert drawn["final training"] == [8]
    assert [shape.x1 for shape in figure.layout.shapes] == [20 / 60, 400 / 60, 10]
    assert [note.text for note in figure.layout.annotations] == ["first models", "search", "final training"]


def test_page_has_forecast_and_real_seconds_of_every_trial() -> None:
    line, points = interactive_forecasts(PACES).data
    assert list(line.x) == list(line.y)
    assert (list(points.x), list(points.y)) == ([1.0, 10.0, 0.1], [1.2, 8.0, 0.2])
    assert points.text[0] == "trial 0: 1 s forecast, 1.2 s real"
