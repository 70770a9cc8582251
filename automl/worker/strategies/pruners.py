"""Pruners by name: who ends a trial before its last epoch."""

from __future__ import annotations

import math
from itertools import accumulate

import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from automl.errors import StudyError
from automl.storage.attributes import EPOCHS_ATTRIBUTE
from automl.study.specification import PRUNERS, Specification

KEPT = {"median": 0.5, "percentile": 0.25}
"""Share of the trials that go on to the middle of their training."""
ALWAYS_KEPT = 3
"""So many of the best go on to the end: one of them may yet win, and together they are an ensemble."""
ROUNDING = 1e-9
"""0.7 of 10 epochs are 7, and what is left of them are 3."""


def build_pruner(specification: Specification) -> BasePruner:
    """The pruner of a study.

    Raises: StudyError for an unknown name.
    """
    name = specification.pruner
    startup_trials, warmup_epochs = specification.startup_trials, specification.warmup_epochs
    _, most_epochs = specification.space.epochs_range()
    min_resource, factor = max(1, warmup_epochs), specification.reduction_factor
    if name in KEPT:
        return RankPruner(KEPT[name], startup_trials=startup_trials, warmup_epochs=warmup_epochs)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource, most_epochs, factor)
    if name == "successive-halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource, factor)
    if name == "none":
        return optuna.pruners.NopPruner()
    raise StudyError(f"Unknown pruner {name!r}. Known: {', '.join(PRUNERS)}.")


class RankPruner(BasePruner):
    """Prunes a trial that ranks too low among all trials that came as far as it, or were pruned before.

    Optuna's MedianPruner compares with complete trials alone: with survivors, whose median is the stricter the more it
    has pruned. Here a pruned trial keeps its rank, below those that went further. A trial may need different numbers
    of epochs: what is compared is the best value at the same share of the training. benchmarks/results/pruning.md has
    what both cost and save.
    """

    def __init__(self, kept: float, *, startup_trials: int, warmup_epochs: int) -> None:
        """Keep a share, 0 to 1, of the trials to the middle of their training, then no more than what is left of it.

        Nothing is pruned in the first `warmup_epochs` of its training, or before it has `startup_trials` to be
        compared with.
        """
        self._kept = kept
        self._startup_trials = startup_trials
        self._warmup_epochs = warmup_epochs
        self._finished: dict[int, list[float]] = {}

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether `trial` should stop now."""
        step = trial.last_step
        if step is None or step < self._warmup_epochs:
            return False
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        best, share = _best_by_epoch(trial, sign)[-1], (step + 1) / planned_epochs(trial)
        compared = better = 0
        for other in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)):
            epochs = math.floor(share * planned_epochs(other) + ROUNDING) if other.intermediate_values else 0
            if epochs:
                curve = self._curve(other, sign)
                compared += 1
                better += epochs <= len(curve) and curve[epochs - 1] > best
        ranks_kept = max(ALWAYS_KEPT, min(self._kept, 1 - share) * compared)
        return compared >= self._startup_trials and better >= ranks_kept - ROUNDING

    def _curve(self, finished: FrozenTrial, sign: int) -> list[float]:
        """A finished trial's, which does not change any more."""
        number = finished.number
        if number not in self._finished:
            self._finished[number] = _best_by_epoch(finished, sign)
        return self._finished[number]


def planned_epochs(trial: FrozenTrial) -> int:
    """How many epochs the trial plans, as recorded when its recipe was drawn."""
    return int(trial.user_attrs[EPOCHS_ATTRIBUTE])


def _best_by_epoch(trial: FrozenTrial, sign: int) -> list[float]:
    """The best value until each epoch, more is better; what is not a number is worse than any."""
    values = [trial.intermediate_values.get(step, math.nan) for step in range((trial.last_step or 0) + 1)]
    return list(accumulate((-math.inf if math.isnan(value) else sign * value for value in values), max))
