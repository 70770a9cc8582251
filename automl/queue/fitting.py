"""Which training fits into the time that is left, and with how many epochs."""

from __future__ import annotations

import math

LEAST_SHARE = 1 / 3
"""A trial with a smaller share of its epochs says too little of its recipe, and is not started."""
LEAST_EPOCHS = 2
MOST_FACTOR = 4
"""Most epochs of a final training, as a multiple of those in the search."""
MOST_EPOCHS = 10_000
"""Most epochs of a recipe."""
RESERVE = 0.03
"""Share of the time left that stays free, because an epoch rarely takes as long as its forecast."""
CLOSING_SECONDS = 0.5
CLOSING_EPOCHS = 0.1
"""After the last epoch the weights are written and the validation images predicted once more, mirrored: half a second,
and a share of an epoch."""
ROUNDING = 1e-9


def least_epochs(planned: int) -> int:
    """Fewest epochs that are worth a start, of a recipe that plans so many."""
    return min(planned, max(LEAST_EPOCHS, math.ceil(planned * LEAST_SHARE - ROUNDING)))


def possible_epochs(*, seconds_an_epoch: float, seconds_left: float) -> int:
    """Number of epochs after which the weights are still written in time."""
    usable = seconds_left * (1 - RESERVE) - CLOSING_SECONDS - CLOSING_EPOCHS * seconds_an_epoch
    return max(0, math.floor(usable / seconds_an_epoch)) if math.isfinite(seconds_an_epoch) else 0


def needed_seconds(epochs: int, *, seconds_an_epoch: float) -> float:
    """Time left with which so many epochs are possible."""
    return ((epochs + CLOSING_EPOCHS) * seconds_an_epoch + CLOSING_SECONDS) / (1 - RESERVE)


def fitting_epochs(planned: int, *, seconds_an_epoch: float, seconds_left: float) -> int:
    """Epochs of a trial of the search that plans so many: all of them, fewer, or 0 if it is not worth a start."""
    possible = min(planned, possible_epochs(seconds_an_epoch=seconds_an_epoch, seconds_left=seconds_left))
    return possible if possible >= least_epochs(planned) else 0


def final_epochs(searched: int, *, seconds_an_epoch: float, seconds_left: float) -> int:
    """Epochs of a final training of a recipe that had so many in the search; 0 if it is not worth a start.

    All that fits, up to MOST_FACTOR times as many; where there is time for more than that, equal parts of it. So one
    long training is preferred to two of usual length, and no short rest stays behind.
    """
    possible = possible_epochs(seconds_an_epoch=seconds_an_epoch, seconds_left=seconds_left)
    longest = min(MOST_FACTOR * searched, MOST_EPOCHS)
    epochs = possible // max(1, math.ceil(possible / longest))
    return epochs if epochs >= least_epochs(searched) else 0
