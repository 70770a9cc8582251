from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from automl.data.dataset import DataSet, Split
from automl.errors import ModelError
from automl.models.building import build_model, count_parameters
from automl.preflight.network_sizes import ARCHITECTURE, network_size, sized_recipes
from automl.recipe import Recipe
from automl.spaces.file import load_space, shipped_spaces
from automl.spaces.space import SearchSpace

SPLIT = Split(np.zeros((4, 12, 12, 1), np.uint8), np.arange(4), np.arange(4) % 2)
DATA = DataSet(
    name="squares",
    reference="squares",
    fingerprint="0" * 64,
    class_names=("no", "yes"),
    image_shape=(1, 12, 12),
    splits={"train": SPLIT, "validation": SPLIT},
    left_out=(),
    notes=(),
)


def size(recipe: Recipe) -> int:
    return network_size(build_model, recipe, DATA)


def extremes(space: SearchSpace) -> tuple[int, int]:
    """Of all networks of the space, by building each."""
    searched = [parameter for parameter in space.parameters if parameter.name in ARCHITECTURE]
    fixed = {p.name: p.distribution.nearest(0) for p in searched if not p.is_searched}
    grid = SearchSpace(parameters=tuple(searched)).grid()
    sizes = [size(Recipe.from_mapping({**fixed, **values})) for values in grid]
    return min(sizes), max(sizes)


@pytest.mark.parametrize(
    "recipe", [Recipe(), Recipe(depth=0), Recipe(block="residual", depth=2, squeeze_excitation=True)]
)
def test_size_without_memory_is_the_built_networks(recipe: Recipe) -> None:
    assert size(recipe) == count_parameters(build_model(recipe, DATA.image_shape, 2))


@pytest.mark.parametrize("name", ["quick", "fer2013"])
def test_ends_of_shipped_spaces_are_their_smallest_and_largest_networks(name: str) -> None:
    space = load_space(name).fitted_to(DATA.image_shape)
    smallest, middle, largest = sized_recipes(space, size)
    assert (smallest.size, middle.size, largest.size) == ("smallest", "middle", "largest")
    assert (smallest.parameters, largest.parameters) == extremes(space)
    assert smallest.parameters < middle.parameters < largest.parameters
    assert all(sized.parameters == size(sized.recipe) for sized in (smallest, middle, largest))


# The diary's are for images of 48 × 48: not all of them fit the small ones here.
@pytest.mark.parametrize("name", [name for name in shipped_spaces() if not name.startswith("seed/")])
def test_recipes_of_every_shipped_space_are_inside_it(name: str) -> None:
    space = load_space(name).fitted_to(DATA.image_shape)
    for sized in sized_recipes(space, size):
        live = {p.name for p in space.parameters if p.is_active(sized.recipe.as_dict())}
        assert space.problems({n: v for n, v in sized.recipe.as_dict().items() if n in live}) == []


def test_largest_may_be_the_shallow_one() -> None:
    """Flattened after one stage there are more features than after three."""
    space = load_space(
        {"parameters": {"depth": {"min": 1, "max": 3}, "pooling": {"value": "flatten"}, "hidden_dim": {"value": 4096}}}
    )
    assert sized_recipes(space, size)[-1].recipe.depth == 1


def test_wide_range_is_searched_to_its_ends() -> None:
    space = load_space({"parameters": {"width": {"min": 1, "max": 500}, "depth": {"value": 1}}})
    smallest, _, largest = sized_recipes(space, size)
    assert (smallest.recipe.width, largest.recipe.width) == (1, 500)


def test_space_of_one_network_has_one_size() -> None:
    assert len(sized_recipes(load_space({"parameters": {"dropout": {"min": 0.0, "max": 0.5}}}), size)) == 1


def test_space_in_python_is_drawn_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "drawn_space.py").write_text("def mine(trial):\n    return {'width': trial.suggest_int('w', 4, 60)}\n")
    monkeypatch.chdir(tmp_path)
    sizes = sized_recipes(load_space("drawn_space:mine"), size)
    assert [sized.size for sized in sizes] == ["smallest", "middle", "largest"]
    assert sizes[0].recipe.width < 15
    assert sizes[2].recipe.width > 50


def needs_weights(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    layer = nn.Linear(144, num_classes)
    assert layer.weight.detach().numpy().any()
    return nn.Sequential(nn.Flatten(), layer)


def test_network_that_needs_its_weights_is_built_with_them() -> None:
    assert network_size(needs_weights, Recipe(), DATA) == 145 * 2


def test_builder_of_something_else_is_refused() -> None:
    with pytest.raises(ModelError, match=re.escape("The builder returned str. It has to return a torch.nn.Module.")):
        network_size(lambda *_: "network", Recipe(), DATA)  # type: ignore[arg-type]


def test_random_state_of_torch_is_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    size(Recipe())
    assert torch.equal(before, torch.get_rng_state())
