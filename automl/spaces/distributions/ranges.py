"""Distributions of a parameter: how it is sampled, which values it contains, how a file writes it.

Fixed values, choices and ranges are here. What is rounded, or sampled by quantile, is in `rounded`.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from typing_extensions import override

from automl.recipe import Value, number_text

MOST_VALUES = 10_000
"""Largest number of values that are tried one by one."""


class Trial(Protocol):
    """What a distribution asks of an Optuna trial, so that no space needs Optuna to be read."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""


class Distribution(ABC):
    """Where the values of one parameter come from."""

    kind: ClassVar[str]

    @abstractmethod
    def suggest(self, trial: Trial, name: str) -> Value:
        """Sample a value for the parameter of this name."""

    @abstractmethod
    def contains(self, value: Value) -> bool:
        """Whether `value` can be sampled."""

    @abstractmethod
    def nearest(self, value: Value) -> Value:
        """The value that can be sampled and lies nearest; the first choice where nothing is near."""

    @abstractmethod
    def spec(self) -> dict[str, object]:
        """As a space file writes it."""

    def values(self) -> tuple[Value, ...] | None:
        """All values in order, or None where there are more than MOST_VALUES."""
        return None

    def optuna_params(self, name: str, value: Value) -> dict[str, Value]:
        """Optuna's parameters, by name, that stand for this value."""
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
    def contains(self, value: Value) -> bool:
        return value == self.value

    @override
    def nearest(self, value: Value) -> Value:
        return self.value

    @override
    def spec(self) -> dict[str, object]:
        return {"value": self.value}

    @override
    def values(self) -> tuple[Value, ...]:
        return (self.value,)

    @override
    def optuna_params(self, name: str, value: Value) -> dict[str, Value]:
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
    def contains(self, value: Value) -> bool:
        return value in self.options

    @override
    def nearest(self, value: Value) -> Value:
        if value in self.options or isinstance(value, bool | str):
            return value if value in self.options else self.options[0]
        return min(self.options, key=lambda option: abs(float(option) - value))

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
class IntRange(Distribution):
    """Whole numbers from `low` to `high`, both included."""

    kind = "whole"
    low: int
    high: int
    log: bool = False

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_int(name, self.low, self.high, log=self.log)

    @override
    def contains(self, value: Value) -> bool:
        return self.low <= float(value) <= self.high and float(value).is_integer()

    @override
    def nearest(self, value: Value) -> Value:
        return round(min(max(float(value), self.low), self.high))

    @override
    def spec(self) -> dict[str, object]:
        named = {"distribution": "log_uniform_values"} if self.log else {}
        return {**named, "min": self.low, "max": self.high}

    @override
    def values(self) -> tuple[Value, ...] | None:
        return listed(self.low, self.high, int)

    @override
    def __str__(self) -> str:
        return f"{self.low} to {self.high}{', log' if self.log else ''}"


@dataclass(frozen=True)
class FloatRange(Distribution):
    """Numbers from `low` to `high`, both included."""

    kind = "real"
    low: float
    high: float
    log: bool = False

    @override
    def suggest(self, trial: Trial, name: str) -> Value:
        return trial.suggest_float(name, self.low, self.high, log=self.log)

    @override
    def contains(self, value: Value) -> bool:
        return self.low <= float(value) <= self.high

    @override
    def nearest(self, value: Value) -> Value:
        return min(max(float(value), self.low), self.high)

    @override
    def spec(self) -> dict[str, object]:
        name = "log_uniform_values" if self.log else "uniform"
        return {"distribution": name, "min": self.low, "max": self.high}

    @override
    def __str__(self) -> str:
        return f"{range_text(self.low, self.high)}{', log' if self.log else ''}"


def one_of(values: Iterable[Value]) -> Distribution | None:
    """The choice of these values: None without any, fixed with one."""
    options = tuple(values)
    if not options:
        return None
    return Fixed(options[0]) if len(options) == 1 else Choice(options)


def up_to(distribution: Distribution, limit: float) -> Distribution | None:
    """What is left of a few numbers without those above `limit`; None where nothing is."""
    left = [value for value in distribution.values() or () if float(value) <= limit]
    if isinstance(distribution, IntRange) and len(left) > 1:
        return dataclasses.replace(distribution, high=int(left[-1]))
    return one_of(left)


def listed(first: int, last: int, value: Callable[[int], Value]) -> tuple[Value, ...] | None:
    """The values of all counts from `first` to `last`; None where they are too many to try each."""
    return tuple(map(value, range(first, last + 1))) if last - first < MOST_VALUES else None


def text_of(value: Value) -> str:
    """`value` as a space file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return number_text(value) if isinstance(value, float) else str(value)


def range_text(low: float, high: float) -> str:
    """Both ends of a range, for people."""
    return f"{number_text(low)} to {number_text(high)}"
