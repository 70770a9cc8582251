"""The smallest, the middle and the largest network of a space, by the number of trainable parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from automl.data.dataset import DataSet
from automl.models.building import Builder, check_model, count_parameters
from automl.recipe import Recipe, Value
from automl.spaces.baselines import nearest
from automl.spaces.parameters import Parameter
from automl.spaces.sampling import sample_recipes
from automl.spaces.space import SearchSpace

ARCHITECTURE = (
    "resolution",
    "block",
    "depth",
    "blocks_per_stage",
    "width",
    "stem",
    "stem_width",
    "downsample",
    "pooling",
    "hidden_dim",
    "squeeze_excitation",
)
"""Fields of Recipe that can change a network's size."""
RANDOM_RECIPES = 31
"""Number of random recipes, of which the middle network is the median."""
SWEEPS = 3
"""Largest number of times that every parameter is tried. The shipped spaces need two."""
FEW_VALUES = 6
"""Largest number of values of one parameter that are tried: the first, the last and some between."""
Count = Callable[[Recipe], int]
"""Function that counts the trainable parameters in the network of a recipe."""


@dataclass(frozen=True)
class SizedRecipe:
    """A recipe of the space, and the size of its network."""

    size: str
    """Name of the size: smallest, middle or largest."""
    recipe: Recipe
    parameters: int


def sized_recipes(space: SearchSpace, count: Count) -> tuple[SizedRecipe, ...]:
    """Recipes of different sizes, the smallest first: three, or fewer where the space has fewer sizes.

    The middle one is the median of random recipes. The ends are found from the ends of these recipes by changing one
    parameter at a time. In a space in Python they are the ends of the random recipes.
    """
    counted = _remembered(count)
    recipes = sorted(sample_recipes(space, count=RANDOM_RECIPES), key=counted)
    found = {
        "middle": recipes[len(recipes) // 2],
        "smallest": _climbed(space, recipes[0], lambda recipe: -counted(recipe)),
        "largest": _climbed(space, recipes[-1], counted),
    }
    by_parameters = {counted(recipe): size for size, recipe in found.items()}
    return tuple(SizedRecipe(size, found[size], parameters) for parameters, size in sorted(by_parameters.items()))


def network_size(build: Builder, recipe: Recipe, data: DataSet) -> int:
    """Count the trainable parameters, if possible without allocating the network.

    Raises: ModelError if the network is none, or cannot take the images.
    """
    arguments = recipe, data.image_shape, len(data.class_names)
    try:
        with torch.device("meta"), _Unfilled():
            return count_parameters(build(*arguments))
    except Exception:  # noqa: BLE001 - what a network of the user's own cannot do without memory, it may do with it
        network = build(*arguments)
        check_model(network, *arguments[1:])
        return count_parameters(network)


class _Unfilled(TorchFunctionMode):
    """Skips the initialization of weights: without memory they have no values, and trying took 3 ms a layer."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if function in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        return function(*args, **(kwargs or {}))


def _climbed(space: SearchSpace, start: Recipe, score: Count) -> Recipe:
    """The recipe with the highest score that single changes lead to."""
    best = start
    for _ in range(SWEEPS):
        before = best
        for parameter in space.parameters:
            best = max((best, *_changed(space, best, parameter)), key=score)
        if best == before:
            break
    return best


def _changed(space: SearchSpace, recipe: Recipe, parameter: Parameter) -> list[Recipe]:
    """The recipe with each of some values of a parameter that decides the network."""
    if parameter.name not in ARCHITECTURE:
        return []
    wanted = [{**recipe.as_dict(), parameter.name: value} for value in _few(parameter.distribution.values() or ())]
    return [Recipe.from_mapping(nearest(space.parameters, values)) for values in wanted]


def _few(values: Sequence[Value]) -> Sequence[Value]:
    if len(values) <= FEW_VALUES:
        return values
    return [values[round(position * (len(values) - 1) / (FEW_VALUES - 1))] for position in range(FEW_VALUES)]


def _remembered(count: Count) -> Count:
    """`count` that builds each network once."""
    known: dict[tuple[Value, ...], int] = {}

    def counted(recipe: Recipe) -> int:
        key = tuple(getattr(recipe, name) for name in ARCHITECTURE)
        if key not in known:
            known[key] = count(recipe)
        return known[key]

    return counted
