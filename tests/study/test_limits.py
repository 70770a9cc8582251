from __future__ import annotations

import dataclasses
import statistics
from contextlib import suppress

import optuna

from automl.storage.attributes import MILLISECONDS_ATTRIBUTE
from automl.storage.optuna_internals import FastStorage
from automl.study.limits import constraints, excess, in_words, judging
from automl.study.specification import Confirms
from automl.worker.model_cost import record_model_cost
from automl.worker.strategies.samplers import build_sampler
from tests.studies import SPECIFICATION

LIMITED = dataclasses.replace(SPECIFICATION, max_parameters=2000, max_milliseconds=2.0)


def test_constraints_say_how_far_a_network_is_over_each_limit() -> None:
    assert constraints(SPECIFICATION, parameters=10**9, milliseconds=10**6) == {}
    assert constraints(LIMITED, parameters=3000, milliseconds=1.0) == {"parameters": 0.5, "milliseconds": -0.5}


def test_limits_are_told_and_what_is_over_them() -> None:
    assert in_words(SPECIFICATION) is None
    assert in_words(LIMITED) == "at most 2,000 parameters and 2 ms an image"
    assert excess(LIMITED, parameters=2000, milliseconds=2.0) is None
    assert excess(LIMITED, parameters=3000, milliseconds=2.5) == (
        "The network is too much: 3,000 parameters (--max-parameters 2000), 2.5 ms an image (--max-milliseconds 2.0)."
    )


def test_confirmation_judges_no_network_again_but_keeps_the_limits_of_its_search() -> None:
    confirming = dataclasses.replace(LIMITED, confirms=Confirms(study="faces", uid="0", epochs_factor=1.0))
    assert constraints(judging(confirming), parameters=3000, milliseconds=9.0) == {}
    assert excess(confirming, parameters=3000, milliseconds=1.0) is not None
    assert judging(LIMITED) == LIMITED


def test_weight_whose_transaction_fails_is_recorded_by_the_next_call(storage: FastStorage) -> None:
    drawn = optuna.create_study(storage=storage).ask()
    with suppress(ZeroDivisionError), storage.begin():
        record_model_cost(drawn, LIMITED, parameters=3000, milliseconds=1.0)
        raise ZeroDivisionError  # as a connection that is lost at the commit
    assert storage.get_trial(drawn._trial_id).user_attrs == {}
    with storage.begin():
        record_model_cost(drawn, LIMITED, parameters=3000, milliseconds=1.0)
    stored = storage.get_trial(drawn._trial_id)
    assert stored.user_attrs == {MILLISECONDS_ATTRIBUTE: 1.0}
    assert stored.constraints == {"parameters": 0.5, "milliseconds": -0.5}


def test_tpe_learns_what_is_over_a_limit() -> None:
    """The value rises with the size, so that without limits the largest would be proposed."""
    study = optuna.create_study(direction="maximize", sampler=build_sampler("tpe", seed=1))
    sizes = []
    for _ in range(40):
        drawn = study.ask()
        sizes.append(drawn.suggest_float("size", 0, 10))
        drawn.set_constraint("parameters", sizes[-1] / 3 - 1)
        if sizes[-1] > 3:
            study.tell(drawn, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(drawn, sizes[-1])
    assert statistics.fmean(sizes[20:]) < 4  # at random it would be 5
