from __future__ import annotations

import subprocess
import sys
from collections import Counter

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import text

from automl.queue.budget import budget_status, count_active_seconds, how_to_continue
from automl.queue.enqueuing import enqueue_trial
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from tests.studies import SPECIFICATION, MakeStudy

PULLER = """
import random, sys, optuna
from sqlalchemy import create_engine
from automl.queue.enqueuing import enqueue_trial
from automl.queue.claims import fence, take_waiting
from automl.queue.recovery import requeue
from automl.storage.database import Database
from automl.storage.optuna_internals import running_trial
from automl.storage.optuna_storage import open_storage

url, study_id, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
engine = create_engine(url, pool_size=1, max_overflow=0)  # of one transaction, Optuna's calls included
storage = open_storage(Database(url, engine, False))
study = optuna.load_study(study_name="faces", storage=storage, sampler=optuna.samplers.RandomSampler(seed=seed))
chance = random.Random(seed)
while True:
    with engine.begin() as connection:
        claim = take_waiting(connection, study_id=study_id, worker_id=None)
    if claim is None:
        if not enqueue_trial(storage, study, [], exhaustive=False):
            break
        continue
    with fence(storage, claim) as connection:
        if chance.random() < 0.2 and claim.attempt == 0:
            requeue(connection, claim.trial_id)
        else:
            trial = running_trial(study, claim.trial_id)
            study.tell(claim.number, trial.suggest_float("x", 0, 1))
"""


def test_four_workers_finish_exactly_the_budget_also_when_trials_are_given_back(
    database: Database, storage: FastStorage, make_study: MakeStudy
) -> None:
    record = make_study(trials=40)
    pullers = [
        subprocess.Popen([sys.executable, "-c", PULLER, database.url, str(record.study_id), str(seed)])
        for seed in range(4)
    ]
    assert [puller.wait(120) for puller in pullers] == [0, 0, 0, 0]
    trials = optuna.load_study(study_name="faces", storage=storage).trials
    assert Counter(trial.state for trial in trials) == {TrialState.COMPLETE: 40}
    assert [trial.number for trial in trials] == list(range(40))


def test_first_enqueued_trials_fix_what_the_queue_says(
    storage: FastStorage, database: Database, make_study: MakeStudy
) -> None:
    make_study(trials=3)
    study = optuna.load_study(study_name="faces", storage=storage)
    queue = [{"depth": 0}, {"depth": 2}]
    assert all(enqueue_trial(storage, study, queue, exhaustive=False) for _ in range(3))
    assert [trial.system_attrs["fixed_params"] for trial in study.trials] == [{"depth": 0}, {"depth": 2}, {}]
    assert not enqueue_trial(storage, study, queue, exhaustive=False)


def test_exhaustive_queue_ends_before_the_budget(
    storage: FastStorage, database: Database, make_study: MakeStudy
) -> None:
    make_study(trials=10)
    study = optuna.load_study(study_name="faces", storage=storage)
    issued = [enqueue_trial(storage, study, [{"depth": 0}, {"depth": 1}], exhaustive=True) for _ in range(3)]
    assert issued == [True, True, False]


def test_raised_budget_enqueues_new_trials(storage: FastStorage, database: Database, make_study: MakeStudy) -> None:
    make_study(trials=1)
    study = optuna.load_study(study_name="faces", storage=storage)
    assert enqueue_trial(storage, study, [], exhaustive=False)
    assert not enqueue_trial(storage, study, [], exhaustive=False)
    make_study(trials=2)
    assert enqueue_trial(storage, study, [], exhaustive=False)


@pytest.mark.parametrize(
    ("before", "asked", "total"),
    [
        (Budget(), Budget(default_trials=30), 30),
        (Budget(), Budget(configured_trials=9, default_trials=9), 9),
        (Budget(), Budget(seconds=60, default_trials=30), None),
        (Budget(), Budget(seconds=60, configured_trials=9, default_trials=9), 9),
        (Budget(trials=40), Budget(default_trials=30), 40),
        (Budget(trials=12), Budget(default_trials=30), 12),
        (Budget(trials=12), Budget(configured_trials=20, default_trials=20), 20),
        (Budget(trials=40), Budget(configured_trials=20, default_trials=20), 40),
        (Budget(seconds=60), Budget(default_trials=30), None),
        (Budget(seconds=60), Budget(configured_trials=9, default_trials=9), None),
        (Budget(seconds=60), Budget(trials=9, default_trials=30), 9),
    ],
)
def test_only_a_flag_or_a_higher_setting_changes_the_total_of_a_study(
    database: Database, before: Budget, asked: Budget, total: int | None
) -> None:
    create_or_continue(database, "faces", SPECIFICATION, before)
    assert create_or_continue(database, "faces", SPECIFICATION, asked).budget_trials == total


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("budget_trials = 9", "Let it go on with: automl worker faces"),
        ("budget_trials = 0", "Its trials are used: repeat the command that began it with more --trials."),
        ("budget_seconds = 0", "Its time is used: repeat the command that began it with a longer --timeout."),
        ("stop_requested = true", "It was stopped: repeat the command that began it."),
    ],
)
def test_advice_is_never_a_worker_that_ends_at_once(
    database: Database, make_study: MakeStudy, change: str, sentence: str
) -> None:
    record = make_study()
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE automl_studies SET {change}"))
        assert how_to_continue(connection, record.study_id, name="faces") == sentence


def test_active_seconds_leave_out_the_time_nobody_worked(database: Database, make_study: MakeStudy) -> None:
    record = make_study(trials=None, seconds=100)
    with database.engine.begin() as connection:
        for pause in (4, 3600, 5, -3600, -2):  # the last two: the clock was set back
            connection.execute(
                text("UPDATE automl_studies SET active_at = clock_timestamp() - make_interval(secs => :s)"),
                {"s": pause},
            )
            count_active_seconds(connection, record.study_id)
        now = budget_status(connection, record.study_id)
    assert 9 <= now.active_seconds < 10
    assert now.seconds_left is not None
    assert 90 < now.seconds_left <= 91
