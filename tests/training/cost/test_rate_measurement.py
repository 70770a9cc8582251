"""Rates of this machine: measured for real, in the process that a search starts for it."""

from __future__ import annotations

import re

import pytest

from automl.errors import TrainingError
from automl.recipe import Recipe
from automl.training.cost.rate_measurement import fit_seconds
from automl.training.cost.separate_process import measure_rates_apart


def test_fit_finds_the_seconds_of_each_unit() -> None:
    units = [(1.0, 10.0), (1.0, 1000.0), (5.0, 20.0), (7.0, 0.0)]
    assert fit_seconds(units, [2 + 0.3, 2 + 30, 10 + 0.6, 14]) == pytest.approx((2, 0.03))


def test_no_unit_takes_less_than_nothing() -> None:
    assert min(fit_seconds([(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)], [3.0, 2.0, 1.0])) >= 0


def test_larger_networks_are_forecast_to_take_longer_on_this_machine() -> None:
    rates = measure_rates_apart(device="cpu", threads=1, image_shape=(1, 28, 28))
    assert re.match(r"cpu, .*, 1 thread, (float32|bfloat16)$", rates.device)
    small, large = (
        rates.seconds_an_epoch(
            Recipe(block="residual", depth=3, width=width), (1, 28, 28), 10, train=1000, validation=100
        )
        for width in (16, 64)
    )
    assert 0 < 2 * small < large


def test_device_that_is_not_there_is_told() -> None:
    with pytest.raises(TrainingError, match="The speed of cuda:99 could not be measured"):
        measure_rates_apart(device="cuda:99", threads=1, image_shape=(1, 28, 28))
