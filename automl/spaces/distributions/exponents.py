"""Exponents of e that were meant as values: W&B's `log_uniform` and `log_normal` take logarithms, and few expect it."""

from __future__ import annotations

import math

from automl.recipe import Field
from automl.spaces.entry import Entry

LARGEST_EXPONENT = 700.0
"""Largest exponent of e that a float can hold."""


def are_values(entry: Entry, bounds: tuple[float, float], *, sign: int) -> bool:
    """Record a mistake, and return True, if these bounds of exponents are meant as values; `sign` -1: of powers of 1/e.

    They are if the field takes both of them, and either not their powers, or a log scale reaches further over them than
    over their powers: nobody searches 0.0001 to 0.1 on a log scale for the sake of e^0.0001 to e^0.1, 1 to 1.11.
    """
    low, high = bounds
    if not _meant_as_values(entry.field, low, high, sign=sign):
        return False
    powers = sorted(_power(sign * bound) for bound in bounds)
    entry.wrong(
        f"{entry.spec['distribution']} takes exponents of e, and {low:g} to {high:g} means {powers[0]:.3g} to "
        f"{powers[1]:.3g}. {_instead(entry, low, high, sign=sign)}",
        "min",
    )
    return True


def is_value(entry: Entry, mu: float, sigma: float) -> bool:
    """Record a mistake, and return True, if this mean and deviation of a logarithm are meant as those of the values."""
    low, high = mu - sigma, mu + sigma
    if low <= 0 or not _meant_as_values(entry.field, low, high, sign=1):
        return False
    quantized = "q_" if "q" in entry.spec else ""
    entry.wrong(
        f"{entry.spec['distribution']} takes mu and sigma of the logarithm, and {mu:g} means values about "
        f"{_power(mu):.3g}. For values about {mu:g} write {{distribution: {quantized}normal, mu: {mu:g}, sigma: "
        f"{sigma:g}}}, or give the logarithm's: {{mu: {math.log(mu):.3g}, sigma: {sigma / mu:.3g}}}.",
        "mu",
    )
    return True


def _meant_as_values(field: Field, low: float, high: float, *, sign: int) -> bool:
    if field.range is None or low < 0 or field.problem(low or high) or field.problem(high):
        return False
    if low == 0:
        return high <= 1 and field.kind == "float"
    misses = any(field.problem(field.cast(_power(sign * bound))) for bound in (low, high))
    return misses or high / low > _power(high - low)


def _instead(entry: Entry, low: float, high: float, *, sign: int) -> str:
    name = "q_log_uniform_values" if "q" in entry.spec else "log_uniform_values"
    if low == 0:
        return f"For values write {{distribution: {name}, min: ABOVE_ZERO, max: {high:g}}}."
    logs = sorted(sign * math.log(bound) + 0.0 for bound in (low, high))  # + 0.0: no -0
    return (
        f"For these values write {{distribution: {name}, min: {low:g}, max: {high:g}}}, "
        f"or give their exponents: {logs[0]:.3g} to {logs[1]:.3g}."
    )


def _power(exponent: float) -> float:
    return math.exp(max(-LARGEST_EXPONENT, min(exponent, LARGEST_EXPONENT)))
