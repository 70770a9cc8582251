"""Forecasts from rates: arithmetic, without any measurement."""

from __future__ import annotations

import json

import pytest

from automl.models.rates import EVALUATION_UNITS, TRAINING_UNITS, Rates, UnitSeconds, evaluation_units, training_units
from automl.models.work import work_of
from automl.recipe import Recipe

LARGE = UnitSeconds((1e-3, 1e-4, 1e-9, 1e-8, 1e-10, 1e-9), (1e-4, 1e-8, 1e-11, 1e-9))
SMALL = UnitSeconds((1e-4, 1e-5, 1e-9, 1e-8, 1e-10, 1e-9), (1e-5, 1e-8, 1e-11, 1e-9))
RATES = Rates(device="cpu", images=LARGE, small_images=SMALL)
RECIPE = Recipe(depth=2, width=16, batch_size=32)


def forecast(rates: Rates, recipe: Recipe = RECIPE, side: int = 32, train: int = 320) -> float:
    return rates.seconds_an_epoch(recipe, (3, side, side), 10, train=train, validation=40)


def test_epoch_is_the_sum_of_its_work() -> None:
    work = work_of(RECIPE, (3, 32, 32), 10)
    of_training = dict(zip(TRAINING_UNITS, training_units(RECIPE, work, images=320), strict=True))
    assert of_training["step"] == 10
    assert of_training["layer"] == 10 * len(work.layers)
    assert of_training["pixel"] == 320 * 3 * 32 * 32
    of_evaluation = dict(zip(EVALUATION_UNITS, evaluation_units(work, images=40), strict=True))
    assert of_evaluation["layer"] == len(work.layers)
    seconds = zip((*LARGE.training, *LARGE.evaluation), (*of_training.values(), *of_evaluation.values()), strict=True)
    assert forecast(RATES) == pytest.approx(sum(second * units for second, units in seconds))


def test_small_inputs_have_rates_of_their_own() -> None:
    assert forecast(RATES, side=8) < forecast(Rates(device="cpu", images=LARGE, small_images=LARGE), side=8)
    at_8 = Recipe(depth=2, width=16, batch_size=32, resolution=8)
    assert forecast(RATES, at_8) == pytest.approx(forecast(RATES, side=8))


def test_lower_resolution_and_fewer_images_take_less() -> None:
    assert forecast(RATES, Recipe(depth=2, width=16, batch_size=32, resolution=16)) < forecast(RATES)
    assert forecast(RATES, train=160) < forecast(RATES)


def test_rates_survive_json() -> None:
    assert Rates.from_dict(json.loads(json.dumps(RATES.as_dict()))) == RATES
