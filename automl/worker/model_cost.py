"""The cost of a trial's network, its size and its time, recorded before its first epoch."""

from __future__ import annotations

import optuna

from automl.storage.attributes import MILLISECONDS_ATTRIBUTE
from automl.study.limits import constraints
from automl.study.specification import Specification


def record_model_cost(
    trial: optuna.Trial, specification: Specification, *, parameters: int, milliseconds: float
) -> None:
    """Write down the time, and how far the network is over each limit, from which Optuna's samplers learn.

    Safe to repeat: `trial` remembers at once what a transaction that fails then does not store.
    """
    for name, value in constraints(specification, parameters=parameters, milliseconds=milliseconds).items():
        trial.set_constraint(name, value)
    trial.set_user_attr(MILLISECONDS_ATTRIBUTE, milliseconds)
