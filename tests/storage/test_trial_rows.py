from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, PercentilePruner
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from automl.spaces.file import load_space
from automl.storage.attributes import EPOCHS_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import engine_of
from automl.storage.optuna_storage import open_storage
from automl.worker.strategies.pruners import RankPruner
from automl.worker.strategies.samplers import build_sampler
from benchmarks.seeding import seed_trials
from tests.studies import MakeStudy

REPORTED = st.one_of(st.floats(0, 1), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))
CURVES = st.dictionaries(st.integers(0, 5), REPORTED, max_size=6)
HISTORIES = st.lists(st.tuples(st.sampled_from(list(TrialState)), CURVES), max_size=6)


@pytest.fixture
def stock(database: Database) -> Iterator[RDBStorage]:
    """Optuna's own storage on the same database."""
    storage = RDBStorage(database.url)
    yield storage
    storage.remove_session()
    engine_of(storage).dispose()


def trial_of(state: TrialState, curve: dict[int, float]) -> FrozenTrial:
    return create_trial(
        state=state,
        value=1.0 if state == TrialState.COMPLETE else None,
        user_attrs={EPOCHS_ATTRIBUTE: 6},
        intermediate_values=curve,
    )


@given(
    history=HISTORIES,
    curve=CURVES,
    direction=st.sampled_from(["minimize", "maximize"]),
    percentile=st.sampled_from([25.0, 50.0]),
    startup=st.integers(0, 3),
    warmup=st.integers(0, 3),
    interval=st.integers(1, 3),
)
@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example costs ten commits: no shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.filterwarnings("ignore:(All-NaN|invalid value):RuntimeWarning")  # numpy's, of curves of NaN alone
def test_pruners_decide_as_they_do_with_optunas_own_storage(
    storage: RDBStorage,
    stock: RDBStorage,
    history: list[tuple[TrialState, dict[int, float]]],
    curve: dict[int, float],
    direction: Literal["minimize", "maximize"],
    percentile: float,
    startup: int,
    warmup: int,
    interval: int,
) -> None:
    name = optuna.create_study(storage=stock, direction=direction).study_name
    studies = [optuna.load_study(study_name=name, storage=each) for each in (storage, stock)]
    for state, values in [*history, (TrialState.RUNNING, curve)]:
        studies[1].add_trial(trial_of(state, values))
    pruners: list[BasePruner] = [
        PercentilePruner(percentile, startup, warmup, interval),
        RankPruner(percentile / 100, startup_trials=startup, warmup_epochs=warmup),
    ]
    running = [study.get_trials()[-1] for study in studies]
    for pruner in pruners:
        ours, optunas = (pruner.prune(study, frozen) for study, frozen in zip(studies, running, strict=True))
        assert ours == optunas
    for mine, its in zip(studies[0].get_trials(), studies[1].get_trials(), strict=True):
        np.testing.assert_equal(vars(mine), vars(its))  # NaN is NaN here


def test_trial_is_read_as_optuna_reads_it(storage: RDBStorage, stock: RDBStorage) -> None:
    study = optuna.create_study(storage=stock, directions=["minimize", "maximize"])
    study.add_trial(
        create_trial(
            values=[math.inf, -math.inf],
            params={"optimizer": "sgd", "depth": 3, "rate": 0.1, "flip": None},
            distributions={
                "optimizer": CategoricalDistribution(["adamw", "sgd"]),
                "depth": IntDistribution(1, 9, step=2),
                "rate": FloatDistribution(1e-4, 1, log=True),
                "flip": CategoricalDistribution([None, True, 0.5]),
            },
            user_attrs={'"quoted", \\ {braces}': ["ü", None, math.nan, {"a": 'b"c'}]},
            system_attrs={"long": "x" * 5000},
            intermediate_values={2: 0.1 + 0.2, 0: math.nan, 1: -math.inf, 7: 5e-324},
        )
    )
    running = study.ask()
    for number in (0, running.number):
        trial_id = stock.get_trial_id_from_study_id_trial_number(study._study_id, number)
        np.testing.assert_equal(vars(storage.get_trial(trial_id)), vars(stock.get_trial(trial_id)))
    with pytest.raises(KeyError):
        storage.get_trial(10**6)


def test_worker_that_joins_draws_what_optuna_would(
    database: Database, make_study: MakeStudy, stock: RDBStorage
) -> None:
    record = make_study("full", space=load_space("default"), sampler="tpe")
    seed_trials(database, record, trials=60)
    drawn = []
    for each in (open_storage(database), stock):
        study = optuna.load_study(study_name="full", storage=each, sampler=build_sampler("tpe", seed=3))
        trial = study.ask()
        record.specification.space.suggest(trial, seed=0)
        drawn.append(trial.params)
        study.tell(trial, state=TrialState.FAIL)
    assert drawn[0] == drawn[1]
