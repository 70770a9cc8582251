"""The size and the speed of a trial's network, recorded before its first epoch and held against the study's limits."""

from __future__ import annotations

import optuna

from automl.search.limits import constraints, excess
from automl.search.results import MILLISECONDS_ATTRIBUTE
from automl.search.specification import Specification
from automl.training.latency import measure_milliseconds
from automl.training.loop import Training


def weigh(trial: optuna.Trial, training: Training, specification: Specification) -> str | None:
    """Record how long the network takes for one image, and say why it is over a limit; None: it is not.

    Optuna's samplers learn from the recorded constraints what is too large and too slow. Of a trial that changed hands,
    what its first worker measured counts. A confirmation judges nothing: the search did.
    """
    known = trial.user_attrs.get(MILLISECONDS_ATTRIBUTE)
    milliseconds = known if known is not None else _measured(training, specification)
    judged = specification if specification.confirms is None else None
    if known is None:
        limits = (
            {} if judged is None else constraints(judged, parameters=training.parameters, milliseconds=milliseconds)
        )
        for name, value in limits.items():
            trial.set_constraint(name, value)
        trial.set_user_attr(MILLISECONDS_ATTRIBUTE, milliseconds)
    if judged is None:
        return None
    return excess(judged, parameters=training.parameters, milliseconds=milliseconds)


def _measured(training: Training, specification: Specification) -> float:
    return measure_milliseconds(training.learner.judged_model, specification.data.image_shape, training.device)
