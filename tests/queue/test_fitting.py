"""Epochs that fit into the time left."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import RecipeError
from automl.queue.fitting import (
    MOST_EPOCHS,
    MOST_FACTOR,
    final_epochs,
    fitting_epochs,
    least_epochs,
    needed_seconds,
    possible_epochs,
)
from automl.recipe import Recipe

PLANNED, PACE, LEFT = st.integers(1, 500), st.floats(1e-3, 1e3), st.floats(0, 1e6)


@pytest.mark.parametrize(("planned", "least"), [(1, 1), (2, 2), (3, 2), (6, 2), (7, 3), (12, 4), (30, 10), (31, 11)])
def test_third_of_the_epochs_and_at_least_two(planned: int, least: int) -> None:
    assert least_epochs(planned) == least


@pytest.mark.parametrize(
    ("seconds_left", "epochs"), [(100, 30), (32, 30), (20, 18), (12, 11), (11, 10), (10.8, 0), (0, 0)]
)
def test_schedule_ends_at_the_deadline_or_the_trial_is_not_started(seconds_left: float, epochs: int) -> None:
    assert fitting_epochs(30, seconds_an_epoch=1, seconds_left=seconds_left) == epochs


@given(PLANNED, PACE, LEFT)
def test_what_is_started_ends_in_time_and_is_worth_it(planned: int, pace: float, left: float) -> None:
    epochs = fitting_epochs(planned, seconds_an_epoch=pace, seconds_left=left)
    assert epochs == 0 or least_epochs(planned) <= epochs <= planned
    assert epochs * pace <= left
    possible = possible_epochs(seconds_an_epoch=pace, seconds_left=left)
    assert epochs == min(planned, possible) or (epochs == 0 and possible < least_epochs(planned))


@given(PLANNED, PACE)
def test_trial_fits_into_what_it_needs(planned: int, pace: float) -> None:
    enough = needed_seconds(least_epochs(planned), seconds_an_epoch=pace) * (1 + 1e-9)
    assert fitting_epochs(planned, seconds_an_epoch=pace, seconds_left=enough) >= least_epochs(planned)


@pytest.mark.parametrize(
    ("possible_seconds", "epochs"),
    [(15, 13), (40, 38), (42, 40), (55, 26), (84, 40), (4, 0)],
)
def test_one_long_final_training_or_equal_parts(possible_seconds: float, epochs: int) -> None:
    assert final_epochs(10, seconds_an_epoch=1, seconds_left=possible_seconds) == epochs


@given(PLANNED, PACE, LEFT)
def test_final_training_uses_the_time_and_no_more(searched: int, pace: float, left: float) -> None:
    epochs = final_epochs(searched, seconds_an_epoch=pace, seconds_left=left)
    possible = possible_epochs(seconds_an_epoch=pace, seconds_left=left)
    assert epochs == 0 or least_epochs(searched) <= epochs <= MOST_FACTOR * searched
    assert epochs <= possible
    if epochs:
        trainings = math.ceil(possible / (MOST_FACTOR * searched))
        assert possible - trainings * epochs < trainings  # what stays is less than an epoch of each
        assert trainings == 1 or epochs >= MOST_FACTOR * searched // 2
    else:
        assert possible < least_epochs(searched)


def test_endless_epoch_fits_never() -> None:
    assert possible_epochs(seconds_an_epoch=math.inf, seconds_left=1e9) == 0


def test_final_training_has_no_more_epochs_than_a_recipe_may() -> None:
    assert final_epochs(4000, seconds_an_epoch=1e-3, seconds_left=1e6) <= MOST_EPOCHS
    assert dataclasses.replace(Recipe(), epochs=MOST_EPOCHS).epochs == MOST_EPOCHS
    with pytest.raises(RecipeError):
        dataclasses.replace(Recipe(), epochs=MOST_EPOCHS + 1)
