"""Distributions that Optuna does not have: it samples a range, and the value is computed from that number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from typing_extensions import override

from automl.recipe import Value, number_text
from automl.spaces.distributions.cumulative import Family, cumulative, inverse
from automl.spaces.distributions.ranges import Distribution, Trial, listed, range_text

TOLERANCE = 1e-8
"""Largest distance of a number from the multiple that it stands for, as a share of the quantum."""


@dataclass(frozen=True)
class Rounded(Distribution):
    """A number sampled between `low` and `high`, then rounded to a multiple of `quantum`.

    Optuna stores the number before the rounding. Its own steps are none of these: there both ends are as likely as the
    rest, and there is no logarithm with a step.
    """

    kind = "rounded"
    low: float
    high: float
    quantum: float
    log: bool = False

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return multiple(trial.suggest_float(name, self.low, self.high, log=self.log), self.quantum)

    @override
    def contains(self, value: Value) -> bool:
        return abs(float(value) - float(self.nearest(value))) < TOLERANCE * self.quantum

    @override
    def nearest(self, value: Value) -> Value:
        return multiple(min(max(float(value), self.low), self.high), self.quantum)

    @override
    def spec(self) -> dict[str, object]:
        name = "q_log_uniform_values" if self.log else "q_uniform"
        return {"distribution": name, "min": self.low, "max": self.high, "q": self.quantum}

    @override
    def values(self) -> tuple[Value, ...] | None:
        first, last = round(self.low / self.quantum), round(self.high / self.quantum)
        return listed(first, last, lambda count: scaled(count, self.quantum))

    @override
    def optuna_params(self, name: str, value: Value) -> dict[str, Value]:
        return {name: min(max(float(value), self.low), self.high)}

    @override
    def __str__(self) -> str:
        scale = ", log" if self.log else ""
        return f"{range_text(self.low, self.high)}{scale}, rounded to {number_text(self.quantum)}"


@dataclass(frozen=True)
class QuantileDistribution(Distribution):
    """A sample of a bell or beta curve, cut to `low` … `high`, then rounded to a multiple of `quantum` if there is one.

    Optuna samples and stores the quantile, under the name `<parameter>.quantile`.
    """

    kind = "curve"
    family: Family
    first: float
    second: float
    low: float
    high: float
    quantum: float | None = None

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        quantile = trial.suggest_float(f"{name}.quantile", self._cumulative(self.low), self._cumulative(self.high))
        return self.nearest(inverse(self.family, self.first, self.second, quantile))

    @override
    def contains(self, value: Value) -> bool:
        return abs(float(value) - float(self.nearest(value))) < TOLERANCE * (self.quantum or TOLERANCE)

    @override
    def nearest(self, value: Value) -> Value:
        inside = min(max(float(value), self.low), self.high)
        if self.quantum is None:
            return inside
        first, last = self._counts(self.quantum)
        return scaled(min(max(round(inside / self.quantum), first), last), self.quantum)

    def mass(self) -> float:
        """Probability, 0 to 1, that a sample of the whole curve is inside, also after it is rounded."""
        low, high = self.low, self.high
        if self.quantum is not None:
            first, last = self._counts(self.quantum)
            low, high = max(low, (first - 0.5) * self.quantum), min(high, (last + 0.5) * self.quantum)
        return self._cumulative(high) - self._cumulative(low)

    @override
    def spec(self) -> dict[str, object]:
        names = ("a", "b") if self.family == "beta" else ("mu", "sigma")
        numbers: dict[str, object] = dict(zip(names, (self.first, self.second), strict=True))
        if self.quantum is None:
            return {"distribution": self.family, **numbers}
        return {"distribution": f"q_{self.family}", **numbers, "q": self.quantum}

    @override
    def values(self) -> tuple[Value, ...] | None:
        quantum = self.quantum
        return None if quantum is None else listed(*self._counts(quantum), lambda count: scaled(count, quantum))

    @override
    def optuna_params(self, name: str, value: Value) -> dict[str, Value]:
        return {f"{name}.quantile": self._cumulative(float(value))}

    def _counts(self, quantum: float) -> tuple[int, int]:
        """The first and the last multiple of `quantum` inside the interval."""
        return math.ceil(self.low / quantum), math.floor(self.high / quantum)

    def _cumulative(self, value: float) -> float:
        return cumulative(self.family, self.first, self.second, value)

    @override
    def __str__(self) -> str:
        rounded = f", rounded to {number_text(self.quantum)}" if self.quantum else ""
        return f"{self.family}({self.first:g}, {self.second:g}) in {range_text(self.low, self.high)}{rounded}"


def scaled(count: int, quantum: float) -> float:
    """`count` times `quantum`, without the dust of binary fractions."""
    return float(count * Decimal(repr(quantum)))


def multiple(value: float, quantum: float) -> float:
    """The multiple of `quantum` nearest to `value`, halves to the even one as W&B's numpy does."""
    return scaled(round(value / quantum), quantum)
