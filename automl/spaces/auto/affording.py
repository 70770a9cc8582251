"""Choices that a budget affords: the most expensive values go until trainings fit, by forecast."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from automl.recipe import Value

Choices = Mapping[str, tuple[Value, ...]]
"""Values by field."""
Seconds = Callable[[Mapping[str, Value]], float]
"""Forecast of one combination, a value for each field."""
LARGEST_MULTIPLE = 3.0
"""The most expensive combination, as a multiple of what one may take on average."""


def afforded(choices: Choices, seconds: Seconds, *, limit: float) -> dict[str, tuple[Value, ...]]:
    """The choices without the most expensive values, so that all combinations left take `limit` on average.

    None takes more than LARGEST_MULTIPLE of it. Every field keeps a value, even where that is still too expensive.
    """
    left = dict(choices)
    while not _fits(costs := combination_seconds(left, seconds), limit) and len(costs) > 1:
        before = sum(costs)
        left = max(_smaller(left), key=lambda fewer: _saving(before, len(costs), combination_seconds(fewer, seconds)))
    return left


def combination_seconds(choices: Choices, seconds: Seconds) -> list[float]:
    """Forecast of every combination."""
    return [seconds(dict(zip(choices, values, strict=True))) for values in itertools.product(*choices.values())]


def _fits(costs: Sequence[float], limit: float) -> bool:
    return sum(costs) / len(costs) <= limit and max(costs) <= LARGEST_MULTIPLE * limit


def _saving(before: float, count: int, costs: Sequence[float]) -> float:
    """Share of the mean that is saved, for each share of the combinations that is lost."""
    return (1 - sum(costs) / len(costs) * count / before) / (1 - len(costs) / count)


def _smaller(choices: Choices) -> list[dict[str, tuple[Value, ...]]]:
    """All ways to leave one value out."""
    return [
        {**choices, name: tuple(value for value in values if value != out)}
        for name, values in choices.items()
        if len(values) > 1
        for out in values
    ]
