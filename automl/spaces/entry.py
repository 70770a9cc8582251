"""One entry under `parameters:`, with what it takes to check it: sentences name the parameter as the file does."""

from __future__ import annotations

import difflib
import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from typing_extensions import TypeIs

from automl.recipe import Field, Value, number_text
from automl.spaces.aliases import choice_of
from automl.spaces.distributions.ranges import Distribution
from automl.spaces.yaml_with_lines import Document, KeyPath, as_number

_SHORT = reprlib.Repr()
_SHORT.maxlevel = 2  # aliases in aliases may stand for billions
SMALLEST, LARGEST = 1e-9, 1e12
"""Bounds of `q`. No field of Recipe needs finer or larger numbers."""


@dataclass(frozen=True)
class ParsedDistribution:
    """The distribution of an entry, and how exact it is."""

    distribution: Distribution
    notes: tuple[str, ...] = ()
    """Differences from what the file defines; none where the distribution is exact."""
    remarks: tuple[str, ...] = ()
    """Remarks on an exact distribution."""


@dataclass(frozen=True)
class Entry:
    """A parameter as written, and the field it sets."""

    source: str
    field: Field
    spec: Mapping[str, object]
    key_path: KeyPath
    document: Document

    def wrong(self, sentence: str, *where: str | int) -> None:
        """Record a mistake, at a position inside the entry if that has a line of its own."""
        self.document.add(f"{self.source}: {sentence}", at=(*self.key_path, *where))

    def number(self, key: str, default: float | None = None) -> float | None:
        """The finite number at `key`, or None with a mistake recorded."""
        value = as_number(self.spec.get(key, default))
        if is_finite_number(value):
            return float(value)
        self.wrong(f"{key} = {short(value)} is not a finite number", key)
        return None

    def positive(self, key: str, default: float) -> float | None:
        """The number above 0 at `key`, or None with a mistake recorded."""
        value = self.number(key, default)
        if value is None or value > 0:
            return value
        self.wrong(f"{key} = {short(self.spec.get(key))} has to be above 0", key)
        return None

    def quantum(self) -> float | None:
        """`q`, which is whole for a field of whole numbers, or None with a mistake recorded."""
        quantum = self.positive("q", 1)
        if quantum is None:
            return None
        if SMALLEST <= quantum <= LARGEST and (self.field.kind != "int" or quantum.is_integer()):
            return quantum
        self.wrong(f"q = {short(self.spec.get('q'))} does not lead to {self.field.accepted()}", "q")
        return None

    def bounds(self) -> tuple[float, float] | None:
        """`min` and `max` in order, or None with the mistakes recorded."""
        low, high = self.number("min"), self.number("max")
        if low is None or high is None:
            return None
        if low < high:
            return low, high
        relation = "equals" if low == high else "is above"
        hint = f"Write `value: {number_text(low)}` to fix it." if low == high else "Exchange them."
        self.wrong(f"min {number_text(low)} {relation} max {number_text(high)}. {hint}", "min")
        return None

    def accepts(self, value: float, *, key: str) -> bool:
        """Whether the field takes `value`, which comes from `key`; a mistake is recorded if not."""
        if self.field.problem(value) is None:
            return True
        written = "" if value == self.spec.get(key) else f" leads to {number_text(value)}, which"
        self.wrong(f"{key} = {short(self.spec.get(key))}{written} is not {self.field.accepted()}", key)
        return False

    def value(self, value: object, *where: str | int) -> Value | None:
        """`value` in the field's own type, or None with a mistake recorded."""
        chosen = as_number(value) if self.field.kind in ("int", "float") else choice_of(self.field, value)
        if (isinstance(chosen, bool | str) or is_finite_number(chosen)) and self.field.problem(chosen) is None:
            return self.field.cast(chosen)
        self.wrong(f"{short(value)} is not {self.field.accepted()}", *where)
        return None

    def listed(self, key: str) -> Sequence[object]:
        """The list at `key`, or nothing with a mistake recorded."""
        value = self.spec.get(key)
        if isinstance(value, Sequence) and not isinstance(value, str | bytes) and value:
            return value
        self.wrong(f"{key} = {short(value)} has to be a list with at least one entry", key)
        return ()


def is_finite_number(value: object) -> TypeIs[int | float]:
    """Whether `value` is a number, and one that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def short(value: object) -> str:
    """`value` for a message, however long or deep it is."""
    return _SHORT.repr(value)


def suggestion(name: str, known: Sequence[str]) -> str:
    """` Did you mean …?` or the list of what is known, to end a sentence with."""
    near = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
