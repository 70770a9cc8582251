"""The distributions of a sweep file along a curve: normal, log-normal and beta, also rounded to multiples of `q`.

Source: github.com/wandb/sweeps, `params.py`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from automl.spaces.distributions.cumulative import Family
from automl.spaces.distributions.exponents import is_value
from automl.spaces.distributions.rounded import QuantileDistribution
from automl.spaces.entry import Entry, ParsedDistribution

LEAST_MASS = 0.01
"""Smallest probability inside the field's range, 0 to 1. A curve with less is a mistake."""
NEGLIGIBLE = 1e-6
"""Probability outside the field's range up to which a curve counts as exact."""
LEAST_SPREAD, LARGEST_NUMBER = 1e-6, 1e6
"""Bounds of the two numbers of a curve. Beyond them it is a point or nowhere, and its arithmetic fails."""
ABOVE_ZERO = 1e-12
"""Lower end of a curve on a field that takes all above 0 but not 0."""

ROUNDED = "rounded to whole numbers"


def curve_reader(family: Family, *, quantized: bool) -> Callable[[Entry], ParsedDistribution | None]:
    """What reads the entries of one family; a field of whole numbers rounds to them, with a note."""

    def read(entry: Entry) -> ParsedDistribution | None:
        numbers = _beta(entry) if family == "beta" else _bell(entry)
        whole = not quantized and entry.field.kind == "int"
        quantum = entry.quantum() if quantized else 1.0 if whole else None
        if numbers is None or (quantized and quantum is None):
            return None
        reading = _curve(entry, family, numbers, quantum)
        return dataclasses.replace(reading, notes=(ROUNDED, *reading.notes)) if reading and whole else reading

    return read


def _bell(entry: Entry) -> tuple[float, float] | None:
    mu, sigma = entry.number("mu", 0), entry.positive("sigma", 1)
    return None if mu is None or sigma is None else (mu, sigma)


def _beta(entry: Entry) -> tuple[float, float] | None:
    a, b = entry.positive("a", 1), entry.positive("b", 1)
    return None if a is None or b is None else (a, b)


def _curve(
    entry: Entry, family: Family, numbers: tuple[float, float], quantum: float | None
) -> ParsedDistribution | None:
    if entry.field.range is None:
        entry.wrong(f"it takes {entry.field.accepted()}, not the numbers of a curve: give them as `values`")
        return None
    low = entry.field.range.low + (ABOVE_ZERO if entry.field.range.open_low else 0.0)
    curve = QuantileDistribution(family, *numbers, low, float(entry.field.range.high), quantum)
    if family == "log_normal" and is_value(entry, *numbers):
        return None
    extreme = numbers[1] < LEAST_SPREAD or max(map(abs, numbers)) > LARGEST_NUMBER
    outside = 1.0 if extreme else 1 - curve.mass()
    if outside > 1 - LEAST_MASS or curve.values() == ():
        entry.wrong(f"{family}({numbers[0]:g}, {numbers[1]:g}) almost never gives {entry.field.accepted()}")
        return None
    notes = (f"cut to {entry.field.range}: {outside:.2g} of it is outside",) if outside > NEGLIGIBLE else ()
    return ParsedDistribution(curve, notes)
