"""What a trial can be in the time that is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.queue.phase import StudyTime
from automl.worker.trial_plan import fit_trial, overruns, seconds_for
from automl.worker.worker_context import MOST_CORRECTION, PaceCorrection

AT_380 = StudyTime(380, 600, 1 / 3)


def test_trial_of_the_search_has_the_search_s_time_once_there_is_a_model() -> None:
    assert seconds_for(AT_380, is_final=False, has_complete=True) == pytest.approx(40)
    assert seconds_for(AT_380, is_final=False, has_complete=False) == 220
    assert seconds_for(AT_380, is_final=True, has_complete=True) == 220


@pytest.mark.parametrize(
    ("searched", "seconds_left", "has_complete", "epochs"),
    [
        (None, 100, True, 12),
        (None, 8, True, 7),
        (None, 3, True, 0),
        (None, 3, False, 2),
        (None, 1, False, 0),
        (4, 100, True, 16),
        (4, 10, True, 9),
    ],
)
def test_trial_fits_whole_shorter_or_not(
    searched: int | None, seconds_left: float, has_complete: bool, epochs: int
) -> None:
    fit = fit_trial(12, searched=searched, seconds_an_epoch=1, seconds_left=seconds_left, has_complete=has_complete)
    assert fit.epochs == epochs
    assert (fit.epochs == 0) == (fit.needs_seconds > seconds_left)


def test_trial_within_reach_of_its_end_may_finish_after_the_search() -> None:
    begun = StudyTime(405, 600, 1 / 3)  # 15 s of reach are left
    assert not overruns(begun, epochs_left=2, seconds_an_epoch=7)
    assert overruns(begun, epochs_left=3, seconds_an_epoch=7)
    assert not overruns(AT_380, epochs_left=100, seconds_an_epoch=7)
    assert not overruns(None, epochs_left=100, seconds_an_epoch=7)


def test_worker_learns_how_far_its_forecasts_are_off() -> None:
    correction = PaceCorrection()
    for _ in range(10):
        correction.learn(forecast=2.0 * correction.factor, real=3.0)
    assert correction.factor == pytest.approx(1.5, rel=0.01)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6))))
def test_correction_stays_within_its_bounds(trainings: list[tuple[float, float]]) -> None:
    correction = PaceCorrection()
    for forecast, real in trainings:
        correction.learn(forecast=forecast, real=real)
    assert 1 / MOST_CORRECTION <= correction.factor <= MOST_CORRECTION
