"""Bell curves and beta curves, by their cumulative probability and its inverse.

A sampler that knows only ranges samples a quantile, and the inverse turns it into the curve's value. The distribution
is exact, and the sampler's model stays one of a range.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

Family = Literal["normal", "log_normal", "beta"]
"""Kind of curve. Its two numbers are mu and sigma, mu and sigma of the logarithm, or a and b."""

ALMOST_ZERO = 1e-300
ALMOST_ONE = 1 - 2**-53


def cumulative(family: Family, first: float, second: float, value: float) -> float:
    """Probability, 0 to 1, of a sample of at most `value`."""
    if family == "beta":
        from scipy.special import betainc  # 0.1 s: not for every file

        return float(betainc(first, second, min(max(value, 0.0), 1.0)))
    if family == "log_normal":
        return NormalDist(first, second).cdf(math.log(value)) if value > 0 else 0.0
    return NormalDist(first, second).cdf(value)


def inverse(family: Family, first: float, second: float, quantile: float) -> float:
    """The value that a sample stays under with probability `quantile`; finite also for 0 and 1."""
    if family == "beta":
        from scipy.special import betaincinv  # as above

        return float(betaincinv(first, second, quantile))
    normal = NormalDist(first, second).inv_cdf(min(max(quantile, ALMOST_ZERO), ALMOST_ONE))
    return math.exp(min(normal, 700.0)) if family == "log_normal" else normal
