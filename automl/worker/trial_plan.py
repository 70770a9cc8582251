"""What a trial can be in the time that is left: how many epochs, with how many CPU threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from automl.queue.fitting import final_epochs, fitting_epochs, least_epochs, needed_seconds, possible_epochs
from automl.queue.phase import Phase, StudyTime

LEARNED_SHARE = 0.5
"""Weight of the newest trial in what a worker knows of its forecasts."""
MOST_CORRECTION = 3.0
NO_TIME = "no time"
"""Kind of what happened to a trial that was not started, because it would not have ended in time."""


@dataclass
class PaceCorrection:
    """How much longer real epochs of this worker take than their forecasts from a few steps."""

    factor: float = 1.0

    def learn(self, *, forecast: float, real: float) -> None:
        """Take a finished training into account: its forecast and its mean, both in seconds an epoch."""
        if forecast > 0 and real > 0:
            ratio = min(max(self.factor * real / forecast, 1 / MOST_CORRECTION), MOST_CORRECTION)
            self.factor += LEARNED_SHARE * (ratio - self.factor)


@dataclass(frozen=True, kw_only=True)
class TrialLimits:
    """What all trials of a worker ask about time and threads."""

    time: Callable[[], StudyTime | None] = lambda: None
    """The study's clock; None without a time budget, or where it only ends the search (a grid, a confirmation)."""
    out_of_time: Callable[[], bool] = lambda: False
    """Whether the study's time is used up, and nobody asked this worker to stop."""
    share: int | None = None
    """This worker's share of the cores, around which the fastest number of threads is measured; None: it is fixed."""
    alone: Callable[[], bool] = lambda: False
    """Whether no other worker of the study is at work on this machine."""
    correction: PaceCorrection = field(default_factory=PaceCorrection)


@dataclass(frozen=True)
class TrialFit:
    """Whether and how a trial fits."""

    epochs: int
    """Epochs to train; 0: it is not worth a start."""
    needs_seconds: float
    """Time left with which it is worth one, in seconds."""
    seconds_an_epoch: float
    seconds_left: float
    """Time that it was fitted into, in seconds."""


def seconds_for(time: StudyTime, *, is_final: bool, has_complete: bool) -> float:
    """Time that a trial may take, in seconds: all that is left for a final training, and while nothing is complete."""
    return time.seconds_left if is_final or not has_complete else time.search_seconds_left


def fit_trial(
    planned: int, *, searched: int | None, seconds_an_epoch: float, seconds_left: float, has_complete: bool
) -> TrialFit:
    """Fit a trial of the search that plans so many epochs, or the final training of one that had `searched`.

    While nothing is complete even a single epoch is better than no model.
    """
    least = least_epochs(planned if searched is None else searched)
    if searched is not None:
        epochs = final_epochs(searched, seconds_an_epoch=seconds_an_epoch, seconds_left=seconds_left)
    else:
        epochs = fitting_epochs(planned, seconds_an_epoch=seconds_an_epoch, seconds_left=seconds_left)
    if not epochs and not has_complete:
        least, epochs = 1, possible_epochs(seconds_an_epoch=seconds_an_epoch, seconds_left=seconds_left)
    needs = needed_seconds(least, seconds_an_epoch=seconds_an_epoch)
    return TrialFit(epochs, needs, seconds_an_epoch, seconds_left)


def overruns(time: StudyTime | None, *, epochs_left: int, seconds_an_epoch: float) -> bool:
    """Whether a trial of the search is out of reach of its end when final training has begun."""
    if time is None or time.phase != Phase.FINAL_TRAINING:
        return False
    return epochs_left * seconds_an_epoch > time.search_seconds_left
