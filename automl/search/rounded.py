"""Distributions that Optuna does not have: it draws an interval, and we make the value of it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from typing_extensions import override

from automl.recipe import Value
from automl.search.distributions import TOLERANCE, Distribution, Fixed, Trial, listed, multiple, scaled
from automl.search.quantiles import Family, cumulative, inverse


@dataclass(frozen=True)
class Rounded(Distribution):
    """A number drawn between `low` and `high` on a log scale, then rounded to a multiple of `quantum`.

    Optuna has no logarithm with a step: it stores the number before the rounding.
    """

    kind = "rounded"
    low: float
    high: float
    quantum: float

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return multiple(trial.suggest_float(name, self.low, self.high, log=True), self.quantum)

    @override
    def holds(self, value: Value) -> bool:
        return abs(float(value) - float(self.nearest(value))) < TOLERANCE * self.quantum

    @override
    def nearest(self, value: Value) -> Value:
        return multiple(min(max(float(value), self.low), self.high), self.quantum)

    @override
    def at_most(self, limit: float) -> Distribution | None:
        if multiple(self.low, self.quantum) > limit:
            return None
        high = min(self.high, multiple(limit, self.quantum))
        return Fixed(self.nearest(high)) if high <= self.low else dataclasses.replace(self, high=high)

    @override
    def spec(self) -> dict[str, object]:
        return {"distribution": "q_log_uniform_values", "min": self.low, "max": self.high, "q": self.quantum}

    @override
    def values(self) -> tuple[Value, ...] | None:
        first, last = round(self.low / self.quantum), round(self.high / self.quantum)
        return listed(first, last, lambda count: scaled(count, self.quantum))

    @override
    def stored(self, name: str, value: Value) -> dict[str, Value]:
        return {name: min(max(float(value), self.low), self.high)}

    @override
    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}, log, rounded to {self.quantum:g}"


@dataclass(frozen=True)
class Curve(Distribution):
    """A draw of a bell or beta curve, cut to `low` … `high`, then rounded to a multiple of `quantum` if there is one.

    Optuna draws and stores the quantile, under the name `<parameter>.quantile`.
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
    def holds(self, value: Value) -> bool:
        return abs(float(value) - float(self.nearest(value))) < TOLERANCE * (self.quantum or TOLERANCE)

    @override
    def nearest(self, value: Value) -> Value:
        inside = min(max(float(value), self.low), self.high)
        if self.quantum is None:
            return inside
        first, last = self._counts(self.quantum)
        return scaled(min(max(round(inside / self.quantum), first), last), self.quantum)

    @override
    def at_most(self, limit: float) -> Distribution | None:
        within = None if limit < self.low else dataclasses.replace(self, high=min(self.high, limit))
        return within if within and within.mass() > 0 else None

    def mass(self) -> float:
        """Probability, 0 to 1, of what is left of the curve between `low` and `high`."""
        return self._cumulative(self.high) - self._cumulative(self.low)

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
    def stored(self, name: str, value: Value) -> dict[str, Value]:
        return {f"{name}.quantile": self._cumulative(float(value))}

    def _counts(self, quantum: float) -> tuple[int, int]:
        """The first and the last multiple of `quantum` inside the interval."""
        return math.ceil(self.low / quantum), math.floor(self.high / quantum)

    def _cumulative(self, value: float) -> float:
        return cumulative(self.family, self.first, self.second, value)

    @override
    def __str__(self) -> str:
        rounded = f", rounded to {self.quantum:g}" if self.quantum else ""
        return f"{self.family}({self.first:g}, {self.second:g}) in {self.low:g} to {self.high:g}{rounded}"
