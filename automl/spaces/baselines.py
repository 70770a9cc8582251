"""The baselines: what a search tries first where its space does not say, from the simple to the complex.

A perceptron, a small and a medium plain network, a small residual one: their results show what complexity is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl.recipe import FIELDS, Value
from automl.spaces.parameters import Parameter

SHARED: Mapping[str, Value] = {
    "blocks_per_stage": 1,
    "stem": "conv3",
    "pooling": "average",
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "weight_decay": 1e-2,
    "dropout": 0.1,
    "batch_size": 128,
}
"""Values of all baselines, where Recipe's default is not the most cautious choice."""

BASELINES: tuple[Mapping[str, Value], ...] = (
    {"depth": 0, "hidden_dim": 128, "augmentation_strength": 0.0},
    {"block": "plain", "depth": 2, "width": 16},
    {"block": "plain", "depth": 3, "width": 32},
    {"block": "residual", "depth": 3, "width": 16},
)


def baseline_recipes(parameters: Sequence[Parameter]) -> tuple[dict[str, Value], ...]:
    """Values of the searched parameters for each baseline inside the space, each once."""
    recipes: list[dict[str, Value]] = []
    for baseline in BASELINES:
        values = nearest(parameters, {**SHARED, **baseline})
        searched = _searched(parameters, values)
        if searched and searched not in recipes and _is_of_its_kind(values, baseline):
            recipes.append(searched)
    return tuple(recipes)


def nearest(parameters: Sequence[Parameter], preferences: Mapping[str, Value]) -> dict[str, Value]:
    """Values of the active parameters, each the nearest of the space to its preference, else to Recipe's default."""
    values: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.is_active(values):
            preferred = preferences.get(parameter.name, FIELDS[parameter.name].default)
            values[parameter.name] = parameter.cast(parameter.distribution.nearest(preferred))
    return values


def _is_of_its_kind(values: Mapping[str, Value], baseline: Mapping[str, Value]) -> bool:
    """Whether the nearest values are still the baseline's network: a perceptron, or a network of its blocks."""
    depth = values.get("depth", FIELDS["depth"].default)
    if baseline["depth"] == 0 or depth == 0:
        return baseline["depth"] == depth
    return values.get("block", FIELDS["block"].default) == baseline["block"]


def _searched(parameters: Sequence[Parameter], values: Mapping[str, Value]) -> dict[str, Value]:
    return {parameter.name: values[parameter.name] for parameter in parameters if _is_searched(parameter, values)}


def _is_searched(parameter: Parameter, values: Mapping[str, Value]) -> bool:
    return parameter.is_searched and parameter.name in values
