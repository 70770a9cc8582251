from __future__ import annotations

import dataclasses
import re

import pytest
import torch

from automl.data.dataset import DataSet
from automl.errors import ModelError
from automl.recipe import Recipe
from automl.training.pace import PeakMemory, measure_pace

CPU = torch.device("cpu")


def test_a_large_network_takes_longer_than_a_small_one(digits: DataSet) -> None:
    small = measure_pace(Recipe(depth=0, batch_size=64), digits, device=CPU)
    large = measure_pace(Recipe(block="residual", depth=3, width=48, batch_size=64), digits, device=CPU)
    assert 0 < 5 * small.seconds_an_epoch < large.seconds_an_epoch


def test_an_epoch_is_all_images_however_few_were_timed(digits: DataSet) -> None:
    """Twenty times the images take about twenty times as long; in between lies what a busy machine does."""
    recipe = Recipe(block="residual", depth=3, width=48, batch_size=64)
    train = digits.splits["train"]
    more = dataclasses.replace(train, rows_N=train.rows_N.repeat(20), labels_N=train.labels_N.repeat(20))
    validation = digits.splits["validation"]
    many = dataclasses.replace(digits, splits={"train": more, "validation": validation})
    once, often = (measure_pace(recipe, data, device=CPU).seconds_an_epoch for data in (digits, many))
    assert 5 < often / once < 80


def test_diverging_rates_do_not_matter(digits: DataSet) -> None:
    recipe = Recipe(depth=1, width=8, learning_rate=10, optimizer="sgd", momentum=0.99, batch_size=16)
    assert measure_pace(recipe, digits, device=CPU).seconds_an_epoch > 0


def test_network_that_does_not_fit_the_images_is_refused(digits: DataSet) -> None:
    with pytest.raises(ModelError, match=re.escape("Use depth 3 or less.")):
        measure_pace(Recipe(depth=5), digits, device=CPU)


def test_peak_memory_sees_what_is_freed_again() -> None:
    with PeakMemory(CPU) as memory:
        before = memory.most()
        block = torch.ones(60 * 2**20)
        held = memory.most()
        del block
        assert held - before > 200 * 2**20
        assert memory.most() >= held
