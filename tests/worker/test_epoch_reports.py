"""An epoch's report is one statement that only the trial's holder gets through."""

from __future__ import annotations

import math
from dataclasses import replace

import optuna
import pytest
from sqlalchemy import text

from automl.errors import TrialTakenError
from automl.metrics import EpochResult
from automl.queue.claims import Claim, give_back, take_waiting
from automl.results.results import read_trial
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_ticket
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.study import StudyRecord
from automl.worker.epoch_reports import report_epoch
from tests.studies import MakeStudy

RESULT = EpochResult(**dict.fromkeys(EPOCH_COLUMNS, 0.5) | {"epoch": 0, "seconds": 2.0})  # type: ignore[arg-type]


@pytest.fixture
def record(make_study: MakeStudy) -> StudyRecord:
    return make_study()


@pytest.fixture
def claim(database: Database, storage: FastStorage, record: StudyRecord) -> Claim:
    enqueue_ticket(optuna.load_study(study_name=record.name, storage=storage), {})
    with database.engine.begin() as connection:
        taken = take_waiting(connection, study_id=record.study_id, worker_id=None)
    assert taken is not None
    return taken


def report(database: Database, claim: Claim, result: EpochResult, value: float, *, is_news: bool = True) -> None:
    with database.engine.begin() as connection:
        report_epoch(connection, claim, result, value, is_news=is_news)


def test_optuna_and_the_epochs_hear_of_it(
    database: Database, storage: FastStorage, record: StudyRecord, claim: Claim
) -> None:
    for epoch, value in enumerate((0.25, math.inf, -math.inf, math.nan)):
        report(database, claim, replace(RESULT, epoch=epoch), value)
    stored = storage.get_trial(claim.trial_id).intermediate_values
    assert list(stored) == [0, 1, 2, 3]
    assert [stored[0], stored[1], stored[2]] == [0.25, math.inf, -math.inf]
    assert math.isnan(stored[3])
    with database.engine.connect() as connection:
        assert read_trial(connection, record, 0).epochs == tuple(replace(RESULT, epoch=epoch) for epoch in range(4))


def test_an_epoch_that_is_done_twice_keeps_its_value_and_adds_its_seconds(
    database: Database, storage: FastStorage, record: StudyRecord, claim: Claim
) -> None:
    report(database, claim, RESULT, 0.25)
    report(database, claim, replace(RESULT, train_loss=0.1), 0.75, is_news=False)
    report(database, claim, replace(RESULT, train_loss=0.1), 0.75)
    assert storage.get_trial(claim.trial_id).intermediate_values == {0: 0.25}
    with database.engine.connect() as connection:
        assert read_trial(connection, record, 0).epochs == (replace(RESULT, seconds=6.0),)


@pytest.mark.parametrize("how", ["given back", "ended"])
def test_a_worker_whose_trial_was_taken_reports_nothing(
    database: Database, record: StudyRecord, claim: Claim, how: str
) -> None:
    with database.engine.begin() as connection:
        if how == "given back":
            give_back(connection, claim.trial_id)
        else:
            connection.execute(text("UPDATE trials SET state = 'FAIL'"))
    with pytest.raises(TrialTakenError, match="Trial 0 was given to another worker, or ended by somebody"):
        report(database, claim, RESULT, 0.25)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM automl_epochs")) == 0
        assert connection.scalar(text("SELECT count(*) FROM trial_intermediate_values")) == 0
