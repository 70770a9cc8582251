"""Statistics of a few seeds: Student's interval of a mean, and Welch's test of two means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class WelchTest:
    """Welch's test of two means, two-sided."""

    t: float
    degrees_of_freedom: float
    p_value: float


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean, by Student's t; None for fewer than two values, or without any spread."""
    if len(set(values)) < 2:
        return None
    half = _special().stdtrit(len(values) - 1, (1 + LEVEL) / 2) * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return mean - float(half), mean + float(half)


def welch(first: Sequence[float], second: Sequence[float]) -> WelchTest | None:
    """Whether two means differ by more than their spreads explain, which may be different ones.

    None for fewer than two values of one of them, or without any spread.

    Source: Welch 1947, "The generalization of Student's problem when several different population variances are
    involved", Biometrika 34.
    """
    if min(len(first), len(second)) < 2:
        return None
    errors = [statistics.variance(values) / len(values) for values in (first, second)]
    if sum(errors) == 0:
        return None
    t = (statistics.fmean(first) - statistics.fmean(second)) / math.sqrt(sum(errors))
    degrees = sum(errors) ** 2 / sum(
        error**2 / (len(values) - 1) for error, values in zip(errors, (first, second), strict=True)
    )
    return WelchTest(t, degrees, 2 * float(_special().stdtr(degrees, -abs(t))))


def _special() -> Any:
    from scipy import special  # 0.1 s: `automl status` does without

    return special
