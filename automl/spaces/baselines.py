"""The ladder: what a search tries first where its space does not say, from the simple to the complex.

A perceptron, a small and a middle plain network, a small residual one: what they reach tells what complexity is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from automl.recipe import FIELDS, Value
from automl.spaces.parameters import Parameter

CALM: Mapping[str, Value] = {
    "blocks_per_stage": 1,
    "stem": "conv3",
    "pooling": "average",
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "weight_decay": 1e-2,
    "dropout": 0.1,
    "batch_size": 128,
}
"""Wishes of every rung, where Recipe's default is not the calmest choice."""

RUNGS: tuple[Mapping[str, Value], ...] = (
    {"depth": 0, "hidden_dim": 128, "augmentation_strength": 0.0},
    {"block": "plain", "depth": 2, "width": 16},
    {"block": "plain", "depth": 3, "width": 32},
    {"block": "residual", "depth": 3, "width": 16},
)


def ladder(parameters: Sequence[Parameter]) -> tuple[dict[str, Value], ...]:
    """Values of the searched parameters for each rung that the space can hold, each once."""
    rungs: list[dict[str, Value]] = []
    for rung in RUNGS:
        values = nearest(parameters, {**CALM, **rung})
        found = _searched(parameters, values)
        if found and found not in rungs and _is_rung(values, rung):
            rungs.append(found)
    return tuple(rungs)


def nearest(parameters: Sequence[Parameter], wishes: Mapping[str, Value]) -> dict[str, Value]:
    """Values of the live parameters, each as near to its wish, else to Recipe's default, as the space has one."""
    values: dict[str, Value] = {}
    for parameter in parameters:
        if parameter.is_live(values):
            wish = wishes.get(parameter.name, FIELDS[parameter.name].default)
            values[parameter.name] = parameter.cast(parameter.distribution.nearest(wish))
    return values


def _is_rung(values: Mapping[str, Value], rung: Mapping[str, Value]) -> bool:
    """Whether the nearest the space has is of the rung's kind: a perceptron, or a network of its blocks."""
    depth = values.get("depth", FIELDS["depth"].default)
    if rung["depth"] == 0 or depth == 0:
        return rung["depth"] == depth
    return values.get("block", FIELDS["block"].default) == rung["block"]


def _searched(parameters: Sequence[Parameter], values: Mapping[str, Value]) -> dict[str, Value]:
    return {parameter.name: values[parameter.name] for parameter in parameters if _is_asked(parameter, values)}


def _is_asked(parameter: Parameter, values: Mapping[str, Value]) -> bool:
    return parameter.is_searched and parameter.name in values
