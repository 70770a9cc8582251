"""What a trial can be in the time that is left: how many epochs, with how many CPU threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from automl.metrics import EpochResult
from automl.queue.fitting import final_epochs, fitting_epochs, least_epochs, needed_seconds, possible_epochs
from automl.queue.phase import Phase, StudyTime
from automl.training.loop import Training
from automl.training.threads import measure_steps, thread_candidates
from automl.worker.outcomes import Outcome
from automl.worker.recorder import TrialRecorder
from automl.worker.worker_context import WorkerContext

NO_TIME = "no time"
"""Kind of what happened to a trial that was not started, because it would not have ended in time."""


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


class TrialPlanner:
    """Plans one attempt at a trial by the study's clock, and says when its time is over."""

    def __init__(
        self, context: WorkerContext, recorder: TrialRecorder, *, watching: Callable[[], AbstractContextManager[None]]
    ) -> None:
        """Nothing is measured yet. `watching`: a block for what is computed."""
        self._watching = watching
        self._context, self._recorder, self._limits = context, recorder, context.limits
        self._on_cpu = context.device.type == "cpu"
        self._forecast: float | None = None
        """Seconds an epoch, as a few steps promised; None: the attempt goes on where another was."""
        self._has_complete = True
        """Whether the study had a complete trial when this one began."""

    def use_base_threads(self) -> None:
        """Go back to this worker's share of the cores, with which the time of a network is measured."""
        if self._limits.share is not None and self._on_cpu:
            torch.set_num_threads(self._limits.share)

    def plan(self, training: Training, epochs: Sequence[EpochResult]) -> Outcome | None:
        """Choose the threads, and the epochs that fit; how the attempt ends if it is not worth a start.

        `epochs`: those that the network has behind it. An attempt that goes on where another was keeps that one's
        threads and schedule: then it goes on bit for bit.
        """
        recorder = self._recorder
        moment = self._limits.time()
        self._has_complete = moment is None or recorder.study_has_complete()
        if epochs or recorder.known_steps:
            if recorder.earlier_threads is not None and self._on_cpu:
                torch.set_num_threads(recorder.earlier_threads)
            recorder.record_plan(training)
            return None
        fit = self._fit(training, moment)
        if fit is not None and not fit.epochs:
            return self._leave_for_later(fit)
        if fit is not None and fit.epochs != training.recipe.epochs:
            planned = recorder.planned_epochs(training.recipe)
            training.plan_epochs(fit.epochs)
            recorder.record_recipe(training.recipe, planned=planned)
        recorder.record_plan(training)
        return None

    def _fit(self, training: Training, moment: StudyTime | None) -> TrialFit | None:
        """Measure a few steps; whether and how the trial fits into the time left, or None without a limit."""
        share = self._limits.share
        if moment is None and (share is None or not self._on_cpu):
            return None
        alone = share is not None and self._limits.alone()
        candidates = () if share is None else thread_candidates(self._context.device, share=share, alone=alone)
        with self._context.publisher.quiet(), self._watching():
            pace = measure_steps(training, candidates)
        moment = self._limits.time()
        if moment is None:
            return None
        self._forecast = pace.seconds_an_epoch * self._limits.correction.factor
        return fit_trial(
            self._recorder.planned_epochs(training.recipe),
            searched=self._recorder.searched_epochs,
            seconds_an_epoch=self._forecast,
            seconds_left=seconds_for(moment, is_final=self._recorder.is_final, has_complete=self._has_complete),
            has_complete=self._has_complete,
        )

    def _leave_for_later(self, fit: TrialFit) -> Outcome:
        self._recorder.record_needs(fit.needs_seconds)
        reason = (
            f"an epoch takes about {fit.seconds_an_epoch:.3g} s, so it is worth a start with {fit.needs_seconds:.0f} s "
            f"left, and there are {fit.seconds_left:.0f} s"
        )
        return Outcome("requeued", failure=NO_TIME, reason=reason)

    def learn_pace(self, epochs: Sequence[EpochResult]) -> None:
        """Compare the forecast with the epochs of a training that is over."""
        if self._forecast is not None and epochs:
            self._limits.correction.learn(forecast=self._forecast, real=_mean_seconds(epochs))

    def overruns(self, training: Training, epochs: Sequence[EpochResult]) -> bool:
        """Whether a trial of the search cannot end soon enough after the search."""
        if self._recorder.is_final or not self._has_complete:
            return False
        left = training.recipe.epochs - training.next_epoch
        return overruns(self._limits.time(), epochs_left=left, seconds_an_epoch=_mean_seconds(epochs))

    def is_past_its_time(self) -> bool:
        """Whether a trial of the search takes time from final training. Cheap enough for every step."""
        if not self._has_complete or self._recorder.is_final:
            return False
        moment = self._limits.time()
        return moment is not None and moment.search_seconds_left <= 0

    def may_be_cut_short(self, training: Training) -> bool:
        """Whether it was the time alone that ended the training, and an epoch of it is over."""
        is_time = self._limits.out_of_time() or not self._context.interrupted()
        return is_time and self._limits.time() is not None and training.best_epoch >= 0


def _mean_seconds(epochs: Sequence[EpochResult]) -> float:
    return sum(result.seconds for result in epochs) / len(epochs)
