"""Pruners by name: who stops a trial early."""

from __future__ import annotations

import math

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from automl.errors import StudyError
from automl.search.specification import PRUNERS, Specification

EPOCHS_ATTRIBUTE = "epochs"
"""The trial's user attribute that says how many epochs it plans."""


def build_pruner(specification: Specification) -> BasePruner:
    """The pruner of a study.

    Where trials plan different numbers of epochs, the median and the percentile compare at the same share of the
    training instead of at the same epoch.

    Raises: StudyError for an unknown name.
    """
    name = specification.pruner
    startup_trials, warmup_epochs = specification.startup_trials, specification.warmup_epochs
    fewest_epochs, most_epochs = specification.space.epochs_range()
    min_resource, factor = max(1, warmup_epochs), specification.reduction_factor
    if name in ("median", "percentile"):
        percentile = 50.0 if name == "median" else 25.0
        if fewest_epochs != most_epochs:
            return SharePruner(percentile, startup_trials=startup_trials, warmup_epochs=warmup_epochs)
        return optuna.pruners.PercentilePruner(
            percentile, n_startup_trials=startup_trials, n_warmup_steps=warmup_epochs
        )
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource, most_epochs, factor)
    if name == "successive-halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource, factor)
    if name == "none":
        return optuna.pruners.NopPruner()
    raise StudyError(f"Unknown pruner {name!r}. Known: {', '.join(PRUNERS)}.")


class SharePruner(BasePruner):
    """Prunes what is worse than a percentile of the complete trials at the same share of their training.

    With 10, 20 or 30 epochs by trial, the median at the same epoch compares the end of a short schedule with the middle
    of a long one, and lost the best trial more often (docs/design.md has the figures).
    """

    def __init__(self, percentile: float, *, startup_trials: int, warmup_epochs: int) -> None:
        """Keep the trials above `percentile` (0 to 100), once `startup_trials` are complete."""
        self._percentile = percentile
        self._startup_trials = startup_trials
        self._warmup_epochs = warmup_epochs

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether `trial` should stop now."""
        step = trial.last_step
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if step is None or step < self._warmup_epochs or len(complete) < max(1, self._startup_trials):
            return False
        share = (step + 1) / planned_epochs(trial)
        others = [value for other in complete if (value := _value_at_share(other, share)) is not None]
        if not others:
            return False
        if study.direction == StudyDirection.MAXIMIZE:
            return bool(max(trial.intermediate_values.values()) < np.percentile(others, 100 - self._percentile))
        return bool(min(trial.intermediate_values.values()) > np.percentile(others, self._percentile))


def planned_epochs(trial: FrozenTrial) -> int:
    """How many epochs the trial plans, as recorded when its recipe was drawn."""
    return int(trial.user_attrs[EPOCHS_ATTRIBUTE])


def _value_at_share(trial: FrozenTrial, share: float) -> float | None:
    """The value at the last epoch that ended within this share of the trial's training, if there is one."""
    step = math.floor(share * planned_epochs(trial) + 1e-9) - 1
    return trial.intermediate_values.get(step)
