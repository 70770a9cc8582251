"""Trials whose workers vanished say nothing to whoever proposes or stops others."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from sqlalchemy import text

from automl.queue.claims import take_waiting
from automl.queue.recovery import MAX_ATTEMPTS, recover_lost
from automl.storage.attributes import EPOCHS_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial, running_trial
from automl.study.record import StudyRecord
from automl.worker.strategies.pruners import build_pruner
from automl.worker.strategies.samplers import build_sampler
from tests.studies import MakeStudy

COMPLETE = 12
"""Enough for TPE to propose and for the pruner to judge."""
EPOCHS = 4
OpenStudy = Callable[[StudyRecord], optuna.Study]


@pytest.fixture
def open_study(storage: FastStorage) -> OpenStudy:
    """A study with a history of complete trials, in which nobody drew before."""

    def opened(record: StudyRecord) -> optuna.Study:
        study = optuna.load_study(
            study_name=record.name,
            storage=storage,
            sampler=build_sampler("tpe", seed=3),
            pruner=build_pruner(record.specification),
        )
        for number in range(COMPLETE):
            value = 0.5 + number / 100
            study.add_trial(
                create_trial(
                    params={"x": number / COMPLETE},
                    distributions={"x": FloatDistribution(0, 1)},
                    value=value,
                    user_attrs={EPOCHS_ATTRIBUTE: EPOCHS},
                    intermediate_values=dict.fromkeys(range(EPOCHS), value),
                )
            )
        return study

    return opened


def die(database: Database, study: optuna.Study, record: StudyRecord, *, times: int) -> None:
    """Let the oldest waiting trial, or a new one, lose its worker so often, each time after an excellent report."""
    enqueue_waiting_trial(study, {})
    for _ in range(times):
        with database.engine.begin() as connection:
            worker = connection.scalar(
                text(
                    "INSERT INTO automl_workers (study_id, ordinal, host, pid, device, ended_at)"
                    " VALUES (:study, 0, 'elsewhere', 1, 'cpu', now()) RETURNING worker_id"
                ),
                {"study": record.study_id},
            )
            claim = take_waiting(connection, study_id=record.study_id, worker_id=worker)
        assert claim is not None
        trial = running_trial(study, claim.trial_id)
        trial.suggest_float("x", 0, 1)
        for step in range(EPOCHS):
            study._storage.set_trial_intermediate_value(claim.trial_id, step, 0.999)
        with database.engine.begin() as connection:
            assert recover_lost(connection, study_id=record.study_id, reached_seconds=0) == [claim.number]


def next_trial(database: Database, study: optuna.Study) -> tuple[float, list[bool]]:
    """What is drawn for a new trial, and where the pruner would stop it."""
    trial_id = enqueue_waiting_trial(study, {})
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE trials SET state = 'RUNNING' WHERE trial_id = :id"), {"id": trial_id})
    study.sampler = build_sampler("tpe", seed=5)
    trial = running_trial(study, trial_id)
    trial.set_user_attr(EPOCHS_ATTRIBUTE, EPOCHS)
    drawn, stops = trial.suggest_float("x", 0, 1), []
    for step, value in enumerate((0.50, 0.51, 0.60, 0.60)):
        trial.report(value, step)
        stops.append(trial.should_prune())
    return drawn, stops


def test_dead_trials_bias_neither_sampler_nor_pruner(
    database: Database, make_study: MakeStudy, open_study: OpenStudy
) -> None:
    alone_record, haunted_record = make_study("alone"), make_study("haunted")
    alone, haunted = open_study(alone_record), open_study(haunted_record)
    die(database, haunted, haunted_record, times=MAX_ATTEMPTS)  # failed for good
    die(database, haunted, haunted_record, times=1)  # waits for its next attempt
    states = [trial.state.name for trial in haunted.get_trials()]
    assert states == ["COMPLETE"] * COMPLETE + ["FAIL", "WAITING"]
    drawn, stops = next_trial(database, alone)
    assert (drawn, stops) == next_trial(database, haunted)
    assert set(stops) == {True, False}
