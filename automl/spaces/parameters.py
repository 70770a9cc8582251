"""A parameter of a search space: a field of Recipe, its distribution, and when it is active."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl.recipe import FIELDS, Value
from automl.spaces.distributions.ranges import Choice, Distribution, Fixed, FloatRange, IntRange, Trial, text_of
from automl.spaces.distributions.rounded import QuantileDistribution, Rounded

KINDS: dict[str, type[Distribution]] = {
    kind.kind: kind for kind in (Fixed, Choice, IntRange, FloatRange, Rounded, QuantileDistribution)
}


@dataclass(frozen=True)
class Condition:
    """Is met where another parameter is active and has one of these values."""

    parameter: str
    values: tuple[Value, ...]

    def is_met(self, values: Mapping[str, Value]) -> bool:
        """Whether these values of the active parameters meet it."""
        return self.parameter in values and values[self.parameter] in self.values

    def __str__(self) -> str:
        *others, last = map(text_of, self.values)
        return f"{self.parameter} = {', '.join(others)} or {last}" if others else f"{self.parameter} = {last}"


@dataclass(frozen=True)
class Parameter:
    """A field of Recipe that a space sets."""

    name: str
    distribution: Distribution
    when: tuple[Condition, ...] = ()
    """Conditions, all of which are met where it is active. Elsewhere the recipe has the field's default."""
    source: str = ""
    """Name in the file."""
    exact: bool = True
    """Whether it is sampled as the file defines it."""
    note: str = ""

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Whether it is sampled, given the values of the active parameters before it."""
        return all(condition.is_met(values) for condition in self.when)

    def sample(self, trial: Trial) -> Value:
        """A value of the field's own type."""
        return self.cast(self.distribution.suggest(trial, self.name))

    def cast(self, value: Value) -> Value:
        """`value` in the field's own type."""
        return FIELDS[self.name].cast(value)

    @property
    def is_searched(self) -> bool:
        """Whether there is anything to choose."""
        return not isinstance(self.distribution, Fixed)

    def spec(self) -> dict[str, object]:
        """As a space file writes it."""
        when = {condition.parameter: list(condition.values) for condition in self.when}
        return self.distribution.spec() | ({"when": when} if when else {})

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        when = [{"parameter": condition.parameter, "values": list(condition.values)} for condition in self.when]
        plain = {"name": self.name, "source": self.source, "exact": self.exact, "note": self.note}
        return plain | {"distribution": _encode(self.distribution), "when": when}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Parameter:
        """Read back what `as_dict` wrote."""
        when = tuple(Condition(entry["parameter"], tuple(entry["values"])) for entry in document["when"])
        return cls(**{**document, "distribution": _decode(document["distribution"]), "when": when})


def narrowed(
    parameters: Sequence[Parameter], changed: Mapping[str, Distribution]
) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """The parameters with new distributions by name, and the names of those whose conditions can no longer be met."""
    kept: dict[str, Parameter] = {}
    inactive: list[str] = []
    for parameter in parameters:
        now = dataclasses.replace(parameter, distribution=changed.get(parameter.name, parameter.distribution))
        when = tuple(_possible(condition, kept) for condition in parameter.when)
        if all(condition.values for condition in when):
            kept[parameter.name] = dataclasses.replace(now, when=when)
        else:
            inactive.append(parameter.name)
    return tuple(kept.values()), tuple(inactive)


def _possible(condition: Condition, parameters: Mapping[str, Parameter]) -> Condition:
    """The condition without values that the other parameter, if it is there, no longer takes."""
    other = parameters.get(condition.parameter)
    values = tuple(value for value in condition.values if other and other.distribution.contains(value))
    return Condition(condition.parameter, values)


def _encode(distribution: Distribution) -> dict[str, Any]:
    fields = dataclasses.fields(distribution)  # type: ignore[arg-type]  # every kind is a dataclass
    values = {field.name: getattr(distribution, field.name) for field in fields}
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {"kind": distribution.kind, **plain}


def _decode(document: Mapping[str, Any]) -> Distribution:
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items() if name != "kind"
    }
    return KINDS[document["kind"]](**fields)
