"""Trials that a confirmation queues, and its conclusions. Values are made up, nothing is trained."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest

from automl.artifacts.store import FolderStore
from automl.confirmation.best_trials import best_trials
from automl.confirmation.conclusions import conclusions, describe_selection_bias
from automl.confirmation.confirmed import (
    Confirmation,
    choose_best,
    confirmed_study,
    find_confirmation,
    read_confirmation,
)
from automl.confirmation.preparing import new_seed, prepare_confirmation
from automl.errors import StudyError
from automl.queue.budget import budget_status
from automl.queue.claims import take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.recipe import Recipe
from automl.results.trials import read_trial
from automl.storage.attributes import RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial
from automl.study.deletion import delete_study
from automl.study.record import StudyRecord, find_study
from tests.studies import MakeStudy


@pytest.fixture
def search(database: Database, storage: FastStorage, make_study: MakeStudy) -> StudyRecord:
    """Five complete trials of the values 0.5 to 0.9; the last two have the same recipe."""
    record = make_study(trials=5)
    study = optuna.load_study(study_name=record.name, storage=storage)
    for number, depth in enumerate((0, 1, 2, 3, 3)):
        recipe = Recipe(depth=depth, epochs=4, seed=number).as_dict()
        enqueue_waiting_trial(study, {}, attributes={RECIPE_ATTRIBUTE: recipe})
    tell(database, storage, record, dict(enumerate((0.5, 0.6, 0.7, 0.8, 0.9))))
    return record


def tell(database: Database, storage: FastStorage, record: StudyRecord, values: Mapping[int, float | None]) -> None:
    """End the waiting trials with these values, by number; None: failed."""
    study = optuna.load_study(study_name=record.name, storage=storage)
    for _ in values:
        with database.engine.begin() as connection:
            claim = take_waiting(connection, study_id=record.study_id, worker_id=None)
        assert claim is not None
        value = values[claim.number]
        state = optuna.trial.TrialState.FAIL if value is None else None
        study.tell(claim.number, value, state=state)


def read(database: Database, record: StudyRecord) -> Confirmation:
    with database.engine.connect() as connection:
        return read_confirmation(connection, record)


def recipes(database: Database, record: StudyRecord, numbers: Sequence[int]) -> list[Recipe]:
    with database.engine.connect() as connection:
        return [Recipe.from_mapping(read_trial(connection, record, number).recipe) for number in numbers]


def test_best_different_recipes_are_queued_in_rounds_with_new_seeds_and_a_stretched_schedule(
    database: Database, search: StudyRecord
) -> None:
    record = prepare_confirmation(database, search, top=3, seeds=2, epochs_factor=2.5)
    assert (record.name, record.budget_trials) == ("faces-confirmed", 6)
    queued = recipes(database, record, range(6))
    assert [recipe.depth for recipe in queued] == [3, 2, 1] * 2
    assert {recipe.epochs for recipe in queued} == {10}
    assert len({recipe.seed for recipe in queued} | set(range(5))) == 11
    assert queued[4].seed == new_seed(7, trial=2, position=1)
    assert [recipe.trial for recipe in read(database, record).recipes] == [4, 2, 1]
    specification = record.specification
    assert (specification.pruner, specification.keep > 10**9) == ("none", True)


def test_workers_find_nothing_beyond_what_is_queued(
    database: Database, storage: FastStorage, search: StudyRecord
) -> None:
    record = prepare_confirmation(database, search, top=1, seeds=1)
    study = optuna.load_study(study_name=record.name, storage=storage)
    assert not enqueue_trial(storage, study, [], exhaustive=record.specification.is_exhaustive)
    with database.engine.connect() as connection:
        assert budget_status(connection, record.study_id).trials == 1


def test_called_again_it_queues_only_what_is_missing(database: Database, search: StudyRecord) -> None:
    prepare_confirmation(database, search, top=2, seeds=1, epochs_factor=2)
    for top, seeds, trials in ((2, 1, 2), (2, 3, 6), (3, 3, 9), (1, 1, 9)):
        record = prepare_confirmation(database, search, top=top, seeds=seeds)
        assert record.budget_trials == trials
        assert {recipe.epochs for recipe in recipes(database, record, range(trials))} == {8}


def test_two_commands_at_once_queue_each_trial_once(database: Database, search: StudyRecord) -> None:
    prepare_confirmation(database, search, top=1, seeds=1)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(prepare_confirmation, database, search, top=4, seeds=3) for _ in range(2)]
    assert {done.result().budget_trials for done in both} == {12}


def test_other_number_of_epochs_and_other_studies_are_refused(
    database: Database, search: StudyRecord, make_study: MakeStudy
) -> None:
    prepare_confirmation(database, search, top=1, seeds=1)
    with pytest.raises(StudyError, match=re.escape("trains for 1 times the epochs, this command asks for 4 times")):
        prepare_confirmation(database, search, top=1, seeds=1, epochs_factor=4)
    make_study("taken")
    with pytest.raises(StudyError, match="Study taken exists and does not confirm this faces"):
        prepare_confirmation(database, search, name="taken", top=1, seeds=1)
    with pytest.raises(StudyError, match="Study taken has no complete trial yet"):
        prepare_confirmation(database, make_study("taken"), top=1, seeds=1)


def test_winner_of_the_means_is_preferred_once_all_is_finished(
    database: Database, storage: FastStorage, search: StudyRecord
) -> None:
    record = prepare_confirmation(database, search, top=2, seeds=3)
    with database.engine.connect() as connection:
        waiting = choose_best(connection, search)
    assert (waiting.trial.study, waiting.trial.number, waiting.is_confirmed) == ("faces", 4, False)
    tell(database, storage, record, {0: 0.76, 1: 0.85, 2: 0.74, 3: 0.86, 4: 0.75, 5: 0.84})
    with database.engine.connect() as connection:
        chosen = choose_best(connection, search)
        assert choose_best(connection, record) == chosen
    assert (chosen.trial.study, chosen.trial.number, chosen.is_confirmed) == ("faces-confirmed", 3, True)
    assert chosen.confirmation is not None
    first, second = chosen.confirmation.recipes
    assert (first.trial, second.trial) == (2, 4)
    assert (first.mean, second.mean) == pytest.approx((0.85, 0.75))
    assert first.interval == pytest.approx((0.825159, 0.874841), abs=1e-6)
    assert first.selection_bias == pytest.approx(-0.15)
    (sentence,) = conclusions(chosen.confirmation)
    assert sentence.startswith(
        "Trial 2's recipe is significantly better than trial 4's: a mean of 0.8500 against 0.7500 (Welch's"
    )
    (bias,) = describe_selection_bias(chosen.confirmation)
    assert bias == (
        "Selection bias: trial 4 had 0.9000 in the search and has a mean of 0.7500 over 3 new seeds. "
        "The search overestimated it by 0.1500."
    )


def test_failed_seeds_are_left_out_and_said(database: Database, storage: FastStorage, search: StudyRecord) -> None:
    record = prepare_confirmation(database, search, top=2, seeds=1)
    tell(database, storage, record, {0: None, 1: 0.6})
    found = read(database, record)
    assert found.winner is not None
    assert found.winner.trial == 2
    assert conclusions(found) == (
        "1 of 2 trials failed and are left out.",
        "Only trial 2's recipe was confirmed, so there is no comparison.",
    )


def test_one_seed_is_no_test(database: Database, storage: FastStorage, search: StudyRecord) -> None:
    record = prepare_confirmation(database, search, top=2, seeds=1)
    tell(database, storage, record, {0: 0.8, 1: 0.6})
    (sentence,) = conclusions(read(database, record))
    assert sentence.endswith("a mean of 0.8000 against 0.6000, of one seed; --seeds 3 gives a spread.")


def test_candidates_of_an_ensemble_come_from_both_studies(
    database: Database, storage: FastStorage, search: StudyRecord
) -> None:
    record = prepare_confirmation(database, search, top=2, seeds=1)
    tell(database, storage, record, {0: 0.65, 1: 0.85})
    with database.engine.connect() as connection:
        best = best_trials(connection, search, 4)
    assert [(trial.study, trial.number) for trial in best] == [
        ("faces-confirmed", 1),
        ("faces", 4),
        ("faces", 3),
        ("faces", 2),
    ]


def test_name_left_out_means_the_newest_search(database: Database, search: StudyRecord) -> None:
    record = prepare_confirmation(database, search, top=1, seeds=1)
    with database.engine.connect() as connection:
        assert find_study(connection, None).name == "faces"
        assert confirmed_study(connection, record) == search


def test_confirmation_of_a_deleted_study_is_not_taken_for_a_new_one_s(
    database: Database, search: StudyRecord, make_study: MakeStudy, tmp_path: Path
) -> None:
    record = prepare_confirmation(database, search, top=1, seeds=1)
    delete_study(database, search, artifacts=FolderStore(tmp_path))
    new = make_study()
    with database.engine.connect() as connection:
        assert find_confirmation(connection, new) is None
        with pytest.raises(StudyError, match="confirms a study faces that was deleted"):
            confirmed_study(connection, record)


def test_reading_imports_neither_torch_nor_optuna() -> None:
    script = "import sys, automl.confirmation.conclusions; assert not {'torch', 'optuna', 'scipy'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", script], check=True)
