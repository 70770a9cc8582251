"""The best recipes are enqueued again: in turn, exactly within the budget, and with seeds of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from sqlalchemy import text

from automl.queue.claims import TimeLeft, take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.queue.final_training import (
    best_recipes_of_search,
    enqueue_final,
    final_seed,
    least_needed_seconds,
)
from automl.recipe import Recipe
from automl.storage.attributes import NEEDS_SECONDS_ATTRIBUTE, PHASE_ATTRIBUTE, RECIPE_ATTRIBUTE, REPEATS_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.record import StudyRecord
from tests.studies import MakeStudy

Complete = Callable[..., int]


@pytest.fixture
def record(make_study: MakeStudy) -> StudyRecord:
    return make_study(trials=None, seconds=600)


@pytest.fixture
def study(record: StudyRecord, storage: FastStorage) -> optuna.Study:
    return optuna.load_study(study_name=record.name, storage=storage)


@pytest.fixture
def complete(database: Database, study: optuna.Study) -> Complete:
    """Adds a complete trial whose epochs took a second each, or as long as is said."""

    def complete(value: float, *, seconds: float = 1.0, **recipe: object) -> int:
        whole = Recipe.from_mapping({"epochs": 10} | recipe).as_dict()
        trial_id = enqueue_waiting_trial(study, {}, attributes={RECIPE_ATTRIBUTE: whole})
        figures = dict.fromkeys(EPOCH_COLUMNS, 0.5) | {"seconds": seconds}
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE trials SET state = 'COMPLETE' WHERE trial_id = :t"), {"t": trial_id})
            connection.execute(
                text(
                    "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (:t, 0, :value, 'FINITE')"
                ),
                {"t": trial_id, "value": value},
            )
            columns = f"INSERT INTO automl_epochs (trial_id, {', '.join(EPOCH_COLUMNS)})"
            connection.execute(
                text(f"{columns} VALUES (:t, {', '.join(f':{name}' for name in EPOCH_COLUMNS)})"),
                figures | {"t": trial_id, "epoch": 0},
            )
        return trial_id

    return complete


def _finals(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.get_trials() if PHASE_ATTRIBUTE in trial.user_attrs]


def test_best_three_recipes_take_turns_whatever_their_seeds_and_epochs(
    database: Database, record: StudyRecord, storage: FastStorage, study: optuna.Study, complete: Complete
) -> None:
    for value, recipe in enumerate([{"width": 8}, {"width": 16}, {"width": 24}, {"width": 32}]):
        complete(0.5 + value / 10, **recipe)
    complete(0.9, width=32, seed=5, epochs=7)  # trial 4: trial 3's recipe, and better
    with database.engine.connect() as connection:
        assert [one.trial for one in best_recipes_of_search(connection, record.study_id)] == [4, 2, 1]
    for _ in range(5):
        assert enqueue_final(storage, study, seed=7, seconds_left=200)
    finals = _finals(study)
    assert [trial.user_attrs[REPEATS_ATTRIBUTE]["trial"] for trial in finals] == [4, 2, 1, 4, 2]
    assert [trial.user_attrs[REPEATS_ATTRIBUTE]["seed"] for trial in finals] == [0, 0, 0, 1, 1]
    assert [trial.user_attrs[RECIPE_ATTRIBUTE]["epochs"] for trial in finals] == [27, 38, 38, 27, 38]
    seeds = {trial.user_attrs[RECIPE_ATTRIBUTE]["seed"] for trial in finals}
    assert len(seeds) == 5
    assert {json.dumps(trial.user_attrs[RECIPE_ATTRIBUTE] | {"seed": 0}) for trial in finals[:1]} == {
        json.dumps(Recipe.from_mapping({"width": 32, "epochs": 27}).as_dict())
    }


def test_recipe_that_does_not_fit_gives_way_to_one_that_does(
    database: Database, record: StudyRecord, storage: FastStorage, study: optuna.Study, complete: Complete
) -> None:
    complete(0.9, width=32, seconds=100.0)
    complete(0.5, width=8, seconds=1.0)
    assert enqueue_final(storage, study, seed=7, seconds_left=60)
    assert [trial.user_attrs[REPEATS_ATTRIBUTE]["trial"] for trial in _finals(study)] == [1]
    assert not enqueue_final(storage, study, seed=7, seconds_left=4)
    with database.engine.connect() as connection:
        assert 4 < least_needed_seconds(connection, record.study_id) < 6


def test_without_a_complete_trial_there_is_nothing_to_train_again(storage: FastStorage, study: optuna.Study) -> None:
    assert not enqueue_final(storage, study, seed=7, seconds_left=600)


def test_final_trainings_count_against_the_budget_exactly_and_leave_the_queue_s_beginning_alone(
    database: Database, make_study: MakeStudy, complete: Complete, storage: FastStorage, study: optuna.Study
) -> None:
    make_study(trials=6, seconds=600)
    complete(0.9)

    def enqueue(_: int) -> bool:
        own = open_storage(database)
        try:
            loaded = optuna.load_study(study_name=study.study_name, storage=own)
            return enqueue_final(own, loaded, seed=7, seconds_left=600)
        finally:
            own.remove_session()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(enqueue, range(4))) == [True] * 4
    assert enqueue_trial(storage, study, [{"depth": 0}, {"depth": 2}], exhaustive=False)
    assert study.get_trials()[-1].system_attrs["fixed_params"] == {"depth": 2}  # the second of the queue
    assert not enqueue_final(storage, study, seed=7, seconds_left=600)
    assert len(study.get_trials()) == 6


def test_waiting_trial_is_taken_only_with_the_time_that_it_needs(
    database: Database, record: StudyRecord, study: optuna.Study
) -> None:
    enqueue_waiting_trial(study, {}, attributes={NEEDS_SECONDS_ATTRIBUTE: 50.0})
    enqueue_waiting_trial(study, {}, attributes={NEEDS_SECONDS_ATTRIBUTE: 80.0, PHASE_ATTRIBUTE: "final"})

    def taken(seconds: float, search_seconds: float) -> int | None:
        with database.engine.begin() as connection:
            within = TimeLeft(seconds, search_seconds)
            claim = take_waiting(connection, study_id=record.study_id, worker_id=None, within=within)
            return None if claim is None else claim.number

    assert taken(70, 40) is None
    assert taken(90, 40) == 1
    assert taken(90, 60) == 0


def test_seed_is_no_confirmation_s_and_differs_by_recipe_and_position() -> None:
    assert len({final_seed(0, trial=trial, position=position) for trial in range(20) for position in range(20)}) == 400
