"""The distributions of a sweep file between a `min` and a `max`: uniform and log, stepped and whole.

Source: github.com/wandb/sweeps, `params.py`.
"""

from __future__ import annotations

import dataclasses
import math

from automl.recipe import number_text
from automl.spaces.distributions.exponents import LARGEST_EXPONENT, are_values
from automl.spaces.distributions.ranges import Fixed, FloatRange, IntRange, range_text
from automl.spaces.distributions.rounded import Rounded, multiple
from automl.spaces.entry import LARGEST, Entry, ParsedDistribution

RANGE = ("min", "max")

ROUNDED = "rounded to whole numbers"
EXPONENTS = "min and max are exponents of e"
BEFORE_ROUNDING = "the sampler sees the number before it is rounded"


def int_uniform(entry: Entry) -> ParsedDistribution | None:
    """Whole numbers, both ends included."""
    bounds = _range(entry)
    if bounds is None:
        return None
    if not all(bound.is_integer() for bound in bounds):
        entry.wrong("int_uniform needs whole numbers for min and max", "min")
        return None
    whole = IntRange(int(bounds[0]), int(bounds[1]))
    if entry.field.kind == "int":
        return ParsedDistribution(whole)
    return ParsedDistribution(
        whole, remarks=("two whole numbers mean whole numbers only; 0.0 for 0 means all between",)
    )


def uniform(entry: Entry) -> ParsedDistribution | None:
    """Numbers; whole ones, with a note, on a field that takes no others."""
    bounds = _range(entry)
    if bounds is None:
        return None
    if entry.field.kind == "float":
        return ParsedDistribution(FloatRange(*bounds))
    return ParsedDistribution(IntRange(int(bounds[0]), int(bounds[1])), (ROUNDED,))


def q_uniform(entry: Entry) -> ParsedDistribution | None:
    """Multiples of `q` nearest to numbers between the bounds."""
    bounds = entry.bounds()
    return _rounded(entry, bounds, entry.quantum()) if bounds else None


def log_uniform_values(entry: Entry) -> ParsedDistribution | None:
    """Numbers on a log scale between the values; 1/x of such a number is one as well."""
    bounds = _range(entry)
    if bounds is None or not _above_zero(entry, bounds):
        return None
    if entry.field.kind == "float":
        return ParsedDistribution(FloatRange(*bounds, log=True))
    return ParsedDistribution(IntRange(int(bounds[0]), int(bounds[1]), log=True), (ROUNDED,))


def q_log_uniform_values(entry: Entry) -> ParsedDistribution | None:
    """Multiples of `q` nearest to numbers on a log scale."""
    bounds = entry.bounds()
    return _rounded(entry, bounds, entry.quantum(), log=True) if bounds and _above_zero(entry, bounds) else None


def log_uniform(entry: Entry) -> ParsedDistribution | None:
    """Numbers on a log scale between e^min and e^max."""
    bounds = _exponents(entry)
    return _log_of_exponents(entry, (math.exp(bounds[0]), math.exp(bounds[1]))) if bounds else None


def inv_log_uniform(entry: Entry) -> ParsedDistribution | None:
    """Numbers on a log scale between e^-max and e^-min."""
    bounds = _exponents(entry, sign=-1)
    return _log_of_exponents(entry, (math.exp(-bounds[1]), math.exp(-bounds[0]))) if bounds else None


def q_log_uniform(entry: Entry) -> ParsedDistribution | None:
    """Multiples of `q` nearest to numbers on a log scale between e^min and e^max."""
    bounds = _exponents(entry)
    powers = (math.exp(bounds[0]), math.exp(bounds[1])) if bounds else None
    return _of_exponents(_rounded(entry, powers, entry.quantum(), log=True)) if powers else None


def _log_of_exponents(entry: Entry, bounds: tuple[float, float]) -> ParsedDistribution | None:
    if entry.field.kind == "int":
        reading = _of_exponents(_rounded(entry, bounds, 1.0, log=True))
        return dataclasses.replace(reading, notes=(ROUNDED,)) if reading else None
    if not (entry.accepts(bounds[0], key="min") and entry.accepts(bounds[1], key="max")):
        return None
    return ParsedDistribution(FloatRange(*bounds, log=True), remarks=(EXPONENTS,))


def _of_exponents(reading: ParsedDistribution | None) -> ParsedDistribution | None:
    return dataclasses.replace(reading, remarks=(EXPONENTS, *reading.remarks)) if reading else None


def _rounded(
    entry: Entry, bounds: tuple[float, float], quantum: float | None, *, log: bool = False
) -> ParsedDistribution | None:
    if quantum is None or not _rounded_fit(entry, bounds, quantum):
        return None
    low, high = (multiple(bound, quantum) for bound in bounds)
    if low == high:
        remark = f"every value is rounded to {number_text(low)}"
        return ParsedDistribution(Fixed(entry.field.cast(low)), remarks=(remark,))
    return ParsedDistribution(Rounded(*bounds, quantum, log), remarks=(BEFORE_ROUNDING,))


def _range(entry: Entry) -> tuple[float, float] | None:
    """`min` and `max`, both of them values of the field, or None with the mistakes recorded."""
    bounds = entry.bounds()
    if bounds is None:
        return None
    accepted = [entry.accepts(bound, key=key) for key, bound in zip(RANGE, bounds, strict=True)]
    return bounds if all(accepted) else None


def _rounded_fit(entry: Entry, bounds: tuple[float, float], quantum: float) -> bool:
    """Whether the field takes what the bounds are rounded to."""
    if max(map(abs, bounds)) > LARGEST:
        entry.wrong(f"{range_text(*bounds)} is far from {entry.field.accepted()}", "max")
        return False
    rounded = [multiple(bound, quantum) for bound in bounds]
    accepted = [entry.accepts(bound, key=key) for key, bound in zip(RANGE, rounded, strict=True)]
    return all(accepted)


def _above_zero(entry: Entry, bounds: tuple[float, float]) -> bool:
    if bounds[0] > 0:
        return True
    entry.wrong(f"min = {number_text(bounds[0])} has no logarithm. Give a min above 0.", "min")
    return False


def _exponents(entry: Entry, *, sign: int = 1) -> tuple[float, float] | None:
    """`min` and `max` that are exponents, or None with the mistakes recorded; `sign` -1: of powers of 1/e."""
    bounds = entry.bounds()
    if bounds is None or are_values(entry, bounds, sign=sign):
        return None
    if max(map(abs, bounds)) <= LARGEST_EXPONENT and math.exp(bounds[0]) < math.exp(bounds[1]):
        return bounds
    entry.wrong("min and max are exponents of e here, and these lead nowhere. Use log_uniform_values.", "min")
    return None
