"""First models, search, final training: by the study's clock alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.queue.phase import REACH_SHARE, Phase, StudyTime

TIMES = st.builds(
    StudyTime,
    active_seconds=st.floats(0, 1e6),
    budget_seconds=st.floats(1, 1e6),
    final_share=st.floats(0, 0.99),
)


@pytest.mark.parametrize(
    ("active_seconds", "phase"),
    [
        (0, Phase.FIRST_MODELS),
        (19.9, Phase.FIRST_MODELS),
        (20, Phase.SEARCH),
        (399.9, Phase.SEARCH),
        (400, Phase.FINAL_TRAINING),
        (700, Phase.FINAL_TRAINING),
    ],
)
def test_ten_minutes_are_split(active_seconds: float, phase: Phase) -> None:
    assert StudyTime(active_seconds, 600, 1 / 3).phase == phase


def test_raised_budget_brings_the_search_back() -> None:
    assert StudyTime(590, 600, 1 / 3).phase == Phase.FINAL_TRAINING
    assert StudyTime(590, 1200, 1 / 3).phase == Phase.SEARCH
    assert StudyTime(800, 1200, 1 / 3).phase == Phase.FINAL_TRAINING


def test_share_of_zero_has_no_final_training() -> None:
    moment = StudyTime(599, 600, 0)
    assert moment.phase == Phase.SEARCH
    assert moment.search_seconds_left == moment.seconds_left == 1


def test_trial_of_the_search_may_reach_a_little_into_final_training() -> None:
    assert StudyTime(390, 600, 1 / 3).search_seconds_left == pytest.approx(10 + REACH_SHARE * 200)


@given(TIMES)
def test_search_has_never_more_time_than_the_study(moment: StudyTime) -> None:
    assert 0 <= moment.search_seconds_left <= moment.seconds_left + 1e-6 * moment.budget_seconds
    assert 0 <= moment.first_until <= moment.search_until <= moment.budget_seconds
