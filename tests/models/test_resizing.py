"""Resizing in front of a network."""

from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from automl.errors import ModelError
from automl.models.building import build_model, check_model, count_parameters, resizing
from automl.models.geometry import ImageShape, input_shape
from automl.models.resizing import Resize, ResizedNetwork
from automl.recipe import Recipe, network_in_words

SHAPES: list[tuple[ImageShape, int]] = [
    ((3, 100, 100), 64),
    ((1, 37, 23), 16),
    ((3, 20, 50), 33),
    ((3, 50, 1), 20),
    ((1, 1, 9), 4),
    ((1, 8, 8), 16),
]


def images_of(shape: ImageShape, count: int = 3) -> torch.Tensor:
    return 255 * torch.rand(count, *shape, generator=torch.Generator().manual_seed(0))


def resize_of(shape: ImageShape, resolution: int) -> Resize:
    return Resize(shape, input_shape(Recipe(resolution=resolution), shape))


@pytest.mark.parametrize(("shape", "resolution"), SHAPES)
def test_matrices_resize_as_torch_does_with_antialiasing(shape: ImageShape, resolution: int) -> None:
    resize, images = resize_of(shape, resolution), images_of(shape)
    colour = images.repeat(1, 3, 1, 1).to(memory_format=torch.channels_last)  # gray columns torch gets wrong
    expected = interpolate(colour, size=resize.after[1:], mode="bilinear", antialias=True)[:, : shape[0]]
    assert max(expected.shape[2:]) == resolution
    for given in (images, images.to(memory_format=torch.channels_last)):
        torch.testing.assert_close(resize(given), expected, rtol=0, atol=2e-4)


def test_images_of_the_network_s_size_pass_through() -> None:
    images = images_of((3, 32, 24))
    assert resize_of((3, 64, 48), 32)(images) is images


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_only_rounds_what_comes_out(dtype: torch.dtype) -> None:
    resize, images = resize_of((3, 40, 40), 24), images_of((3, 40, 40)).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        resized = resize(images)
    assert torch.equal(resized, resize(images.float()).to(dtype))


def test_resizing_adds_nothing_to_state_parameters_and_first_weights() -> None:
    recipe, shape = Recipe(depth=2, width=4, resolution=16), (3, 40, 30)
    torch.manual_seed(0)
    resized = build_model(recipe, shape, 5)
    torch.manual_seed(0)
    plain = build_model(Recipe(depth=2, width=4), (3, 16, 12), 5)
    assert isinstance(resized, ResizedNetwork)
    state = resized.state_dict()
    assert {f"network.{name}" for name in plain.state_dict()} == set(state)
    assert all(torch.equal(weight, state[f"network.{name}"]) for name, weight in plain.state_dict().items())
    assert count_parameters(resized) == count_parameters(plain)


def test_recipes_without_another_size_keep_their_names() -> None:
    names = set(build_model(Recipe(depth=1, width=2), (1, 8, 6), 3).state_dict())
    assert names == set(build_model(Recipe(depth=1, width=2, resolution=8), (1, 8, 6), 3).state_dict())


def test_network_without_memory_still_knows_how_to_resize() -> None:
    recipe, shape = Recipe(depth=1, width=2, resolution=5), (1, 8, 8)
    trained = build_model(recipe, shape, 3).eval()
    with torch.device("meta"):
        loaded = build_model(recipe, shape, 3).eval()
    loaded.load_state_dict(copy.deepcopy(trained.state_dict()), assign=True)
    images = images_of(shape)
    assert torch.equal(loaded(images), trained(images))


def test_network_of_the_user_s_own_is_built_for_its_input() -> None:
    seen: list[ImageShape] = []

    def build(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
        seen.append(image_shape)
        return nn.Sequential(nn.Flatten(), nn.Linear(image_shape[1] * image_shape[2], num_classes))

    network = resizing(build)(Recipe(resolution=6), (1, 12, 8), 5)
    check_model(network, (1, 12, 8), 5)
    check_model(network, (1, 6, 4), 5)
    assert seen == [(1, 6, 4)]
    assert isinstance(resizing(build)(Recipe(), (1, 12, 8), 5), nn.Sequential)


def test_what_is_no_network_is_refused_with_a_resolution_as_without() -> None:
    build = resizing(lambda *_: "text")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=re.escape("The builder returned str.")):
        check_model(build(Recipe(resolution=6), (1, 12, 8), 5), (1, 12, 8), 5)


def test_resolution_is_said_where_the_recipe_has_one() -> None:
    assert network_in_words(Recipe(depth=0, resolution=16)) == "perceptron with no hidden layer, at 16 pixels"
    assert network_in_words(Recipe(depth=0)) == "perceptron with no hidden layer"
