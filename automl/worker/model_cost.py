"""The size and the speed of a trial's network, recorded before its first epoch and held against the study's limits."""

from __future__ import annotations

import optuna

from automl.results.results import MILLISECONDS_ATTRIBUTE
from automl.study.limits import constraints
from automl.study.specification import Specification
from automl.training.latency import measure_milliseconds
from automl.training.loop import Training


def milliseconds_of(trial: optuna.Trial, training: Training, specification: Specification) -> float:
    """How long the network takes for one image; of a trial that changed hands, what its first worker measured."""
    known = trial.user_attrs.get(MILLISECONDS_ATTRIBUTE)
    if known is not None:
        return float(known)
    return measure_milliseconds(training.learner.eval_model, specification.data.image_shape, training.device)


def record_weight(trial: optuna.Trial, specification: Specification, *, parameters: int, milliseconds: float) -> None:
    """Write down the time, and how far the network is over each limit, from which Optuna's samplers learn.

    Safe to repeat: `trial` remembers at once what a transaction that fails then does not store.
    """
    for name, value in constraints(specification, parameters=parameters, milliseconds=milliseconds).items():
        trial.set_constraint(name, value)
    trial.set_user_attr(MILLISECONDS_ATTRIBUTE, milliseconds)
