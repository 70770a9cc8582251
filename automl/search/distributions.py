"""What a parameter of a search space may be: how it is drawn, what it holds, how a file writes it.

Plain values, choices and intervals are here; what is rounded or drawn from a curve is in `rounded`.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol

from typing_extensions import override

from automl.recipe import Value

TOLERANCE = 1e-8
"""Of a step, by which a number may miss the multiple that it stands for."""
MOST_VALUES = 10_000
"""More than these cannot be tried one by one."""


class Trial(Protocol):
    """What a distribution asks of an Optuna trial, so that no space needs Optuna to be read."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """A whole number."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A number."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""


class Distribution(ABC):
    """Where the values of one parameter come from."""

    kind: ClassVar[str]

    @abstractmethod
    def suggest(self, trial: Trial, name: str) -> Value:
        """Draw a value for the parameter of this name."""

    @abstractmethod
    def holds(self, value: Value) -> bool:
        """Whether `value` can be drawn."""

    @abstractmethod
    def nearest(self, value: Value) -> Value:
        """The value that can be drawn and lies nearest; the first choice where nothing is near."""

    @abstractmethod
    def at_most(self, limit: float) -> Distribution | None:
        """This distribution of numbers without those above `limit`; None where nothing is left."""

    @abstractmethod
    def spec(self) -> dict[str, object]:
        """As a space file writes it."""

    def values(self) -> tuple[Value, ...] | None:
        """All values in order, or None where there are more than MOST_VALUES."""
        return None

    def stored(self, name: str, value: Value) -> dict[str, Value]:
        """Under which name and as what Optuna stores this value."""
        return {name: value}


@dataclass(frozen=True)
class Fixed(Distribution):
    """One value, which is not searched."""

    kind = "fixed"
    value: Value

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return self.value

    @override
    def holds(self, value: Value) -> bool:
        return value == self.value

    @override
    def nearest(self, value: Value) -> Value:
        return self.value

    @override
    def at_most(self, limit: float) -> Distribution | None:
        return self if float(self.value) <= limit else None

    @override
    def spec(self) -> dict[str, object]:
        return {"value": self.value}

    @override
    def values(self) -> tuple[Value, ...]:
        return (self.value,)

    @override
    def stored(self, name: str, value: Value) -> dict[str, Value]:
        return {}

    @override
    def __str__(self) -> str:
        return text_of(self.value)


@dataclass(frozen=True)
class Choice(Distribution):
    """One of several values, all alike."""

    kind = "choice"
    options: tuple[Value, ...]

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        value: Value = trial.suggest_categorical(name, self.options)
        return value

    @override
    def holds(self, value: Value) -> bool:
        return value in self.options

    @override
    def nearest(self, value: Value) -> Value:
        if value in self.options or isinstance(value, bool | str):
            return value if value in self.options else self.options[0]
        return min(self.options, key=lambda option: abs(float(option) - value))

    @override
    def at_most(self, limit: float) -> Distribution | None:
        return one_of(option for option in self.options if float(option) <= limit)

    @override
    def spec(self) -> dict[str, object]:
        return {"values": list(self.options)}

    @override
    def values(self) -> tuple[Value, ...]:
        return self.options

    @override
    def __str__(self) -> str:
        return ", ".join(map(text_of, self.options))


@dataclass(frozen=True)
class Whole(Distribution):
    """Whole numbers from `low` to `high`, both included."""

    kind = "whole"
    low: int
    high: int
    step: int = 1
    log: bool = False

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    @override
    def holds(self, value: Value) -> bool:
        return self.low <= float(value) <= self.high and (float(value) - self.low) % self.step == 0

    @override
    def nearest(self, value: Value) -> Value:
        steps = round((float(value) - self.low) / self.step)
        return self.low + self.step * min(max(steps, 0), (self.high - self.low) // self.step)

    @override
    def at_most(self, limit: float) -> Distribution | None:
        if limit < self.low:
            return None
        high = min(self.high, math.floor(limit))
        high -= (high - self.low) % self.step
        return Fixed(high) if high == self.low else dataclasses.replace(self, high=high)

    @override
    def spec(self) -> dict[str, object]:
        if self.log:
            return {"distribution": "log_uniform_values", "min": self.low, "max": self.high}
        if self.step > 1:
            return {"distribution": "q_uniform", "min": self.low, "max": self.high, "q": self.step}
        return {"min": self.low, "max": self.high}

    @override
    def values(self) -> tuple[Value, ...] | None:
        return listed(0, (self.high - self.low) // self.step, lambda steps: self.low + steps * self.step)

    @override
    def __str__(self) -> str:
        step = f", in steps of {self.step}" if self.step > 1 else ""
        return f"{self.low} to {self.high}{', log' if self.log else ''}{step}"


@dataclass(frozen=True)
class Real(Distribution):
    """Numbers from `low` to `high`; with a `step` only those a whole number of steps above `low`."""

    kind = "real"
    low: float
    high: float
    step: float | None = None
    log: bool = False

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return self.nearest(trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log))

    @override
    def holds(self, value: Value) -> bool:
        if self.step is None:
            return self.low <= float(value) <= self.high
        return abs(float(value) - float(self.nearest(value))) < TOLERANCE * self.step

    @override
    def nearest(self, value: Value) -> Value:
        inside = min(max(float(value), self.low), self.high)
        return inside if self.step is None else self._at(round((inside - self.low) / self.step))

    @override
    def at_most(self, limit: float) -> Distribution | None:
        if limit < self.low:
            return None
        high = min(self.high, limit)
        if self.step is not None:
            high = self._at(math.floor((high - self.low) / self.step + TOLERANCE))
        return Fixed(high) if high == self.low else dataclasses.replace(self, high=high)

    @override
    def spec(self) -> dict[str, object]:
        bounds = {"min": self.low, "max": self.high}
        if self.log:
            return {"distribution": "log_uniform_values", **bounds}
        if self.step is not None:
            return {"distribution": "q_uniform", **bounds, "q": self.step}
        return {"distribution": "uniform", **bounds}

    @override
    def values(self) -> tuple[Value, ...] | None:
        if self.step is None:
            return None
        return listed(0, round((self.high - self.low) / self.step), self._at)

    def _at(self, steps: int) -> float:
        """The number so many steps above `low`, without the dust of binary fractions."""
        return float(Decimal(repr(self.low)) + steps * Decimal(repr(self.step)))

    @override
    def __str__(self) -> str:
        step = f", in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{', log' if self.log else ''}{step}"


def one_of(values: Iterable[Value]) -> Distribution | None:
    """The choice of these values: None without any, fixed with one."""
    options = tuple(values)
    if not options:
        return None
    return Fixed(options[0]) if len(options) == 1 else Choice(options)


def scaled(count: int, quantum: float) -> float:
    """`count` times `quantum`, without the dust of binary fractions."""
    return float(count * Decimal(repr(quantum)))


def multiple(value: float, quantum: float) -> float:
    """The multiple of `quantum` nearest to `value`, halves to the even one as W&B's numpy does."""
    return scaled(round(value / quantum), quantum)


def listed(first: int, last: int, value: Callable[[int], Value]) -> tuple[Value, ...] | None:
    """The values of all counts from `first` to `last`; None where they are too many to try each."""
    return tuple(map(value, range(first, last + 1))) if last - first < MOST_VALUES else None


def text_of(value: Value) -> str:
    """`value` as a space file writes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
