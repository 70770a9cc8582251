"""What a network computes, by arithmetic: held against what torch counts."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from automl.models.building import count_parameters
from automl.models.family import Network
from automl.models.geometry import ImageShape, input_shape
from automl.models.work import work_of
from automl.recipe import Recipe
from automl.spaces.file import load_space
from automl.spaces.sampling import sample_recipes

SHAPES: tuple[ImageShape, ...] = ((1, 28, 28), (3, 33, 21), (3, 64, 101))
SPACES = ("default", "fer2013", "seed/4-residual")
SMALLER = 16
RECIPES_EACH = 2


@pytest.mark.parametrize("shape", SHAPES)
def test_work_is_what_torch_counts(shape: ImageShape) -> None:
    for name in SPACES:
        for recipe in sample_recipes(load_space(name).fitted_to(shape), count=RECIPES_EACH):
            network = Network(recipe, shape, 7).eval()
            with FlopCounterMode(display=False) as counter:
                network(torch.zeros(1, *shape))
            work = work_of(recipe, shape, 7)
            assert 2 * work.multiply_accumulates == counter.get_total_flops(), recipe
            assert work.parameters == count_parameters(network), recipe


def test_resolution_is_the_network_s_input() -> None:
    recipe = dataclasses.replace(Recipe(depth=2), resolution=SMALLER)
    seen = input_shape(recipe, (3, 40, 30))
    assert seen == (3, 16, 12)
    assert work_of(recipe, (3, 40, 30), 5) == work_of(dataclasses.replace(recipe, resolution=0), seen, 5)
