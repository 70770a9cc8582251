import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.figures.search.history import TrialPoint, records, search_history
from tests.figures.layout import is_cut_off, legend_labels

POINTS = [
    TrialPoint(0, "complete", 0.5),
    TrialPoint(1, "failed", None),
    TrialPoint(2, "pruned", 0.7),
    TrialPoint(3, "complete", 0.6),
    TrialPoint(4, "complete", 0.4),
    TrialPoint(5, "failed", math.nan),
]


def test_only_complete_trials_set_records() -> None:
    assert records(POINTS, maximize=True) == [(0, 0.5), (3, 0.6)]
    assert records(POINTS, maximize=False) == [(0, 0.5), (4, 0.4)]


@given(st.lists(st.floats(-100, 100), min_size=1), st.randoms(use_true_random=False))
def test_last_record_is_the_best_value_in_whatever_order_trials_come(values: list[float], random: object) -> None:
    points = [TrialPoint(number, "complete", value) for number, value in enumerate(values)]
    random.shuffle(points)  # type: ignore[attr-defined]
    assert records(points, maximize=True)[-1] == (values.index(max(values)), max(values))
    assert records(points, maximize=False)[-1] == (values.index(min(values)), min(values))


def test_every_trial_is_drawn_at_its_number_and_value() -> None:
    figure = search_history(POINTS, value_label="validation accuracy", maximize=True)
    drawn = {
        str(points.get_label()): np.asarray(points.get_offsets()).tolist() for points in figure.axes[0].collections
    }
    assert drawn == {
        "complete trial": [[0, 0.5], [3, 0.6], [4, 0.4]],
        "pruned trial": [[2, 0.7]],
        "failed trial": [[1, 0], [5, 0]],
    }


def test_trials_without_a_value_stand_where_the_worst_are() -> None:
    [_, _, failed] = search_history(POINTS, value_label="validation loss", maximize=False).axes[0].collections
    assert np.asarray(failed.get_offsets()).tolist() == [[1, 1], [5, 1]]


def test_best_so_far_rises_at_its_trial_and_reaches_the_last_one() -> None:
    [line] = search_history(POINTS, value_label="accuracy", maximize=True).axes[0].lines
    assert np.asarray(line.get_xydata()).tolist() == [[0, 0.5], [3, 0.6], [5, 0.6]]
    assert line.get_drawstyle() == "steps-post"


def test_best_trial_is_named() -> None:
    figure = search_history(POINTS, value_label="accuracy", maximize=True)
    assert [text.get_text() for text in figure.axes[0].texts] == ["trial 3: 0.6000"]
    assert legend_labels(figure) == ["complete trial", "pruned trial", "failed trial", "best so far"]


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("points", [[], POINTS[:1], POINTS[1:2], POINTS])
def test_nothing_is_cut_off(points: list[TrialPoint], maximize: bool) -> None:
    assert not is_cut_off(search_history(points, value_label="validation loss (nats)", maximize=maximize))
