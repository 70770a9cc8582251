"""An epoch's report is one statement that only the trial's holder gets through."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import text

from automl.errors import LeaseLostError
from automl.metrics import EpochResult
from automl.queue.claims import Claim, take_waiting
from automl.queue.recovery import requeue
from automl.results.trials import read_trial
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.record import StudyRecord
from automl.worker.epoch_reports import report_end, report_epoch
from automl.worker.outcomes import Outcome
from tests.studies import MakeStudy

RESULT = EpochResult(**dict.fromkeys(EPOCH_COLUMNS, 0.5) | {"epoch": 0, "seconds": 2.0})  # type: ignore[arg-type]


@pytest.fixture
def record(make_study: MakeStudy) -> StudyRecord:
    return make_study()


@pytest.fixture
def claim(database: Database, storage: FastStorage, record: StudyRecord) -> Claim:
    enqueue_waiting_trial(optuna.load_study(study_name=record.name, storage=storage), {})
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


@pytest.mark.parametrize("how", ["requeued", "ended"])
def test_a_worker_whose_trial_was_taken_reports_nothing(
    database: Database, record: StudyRecord, claim: Claim, how: str
) -> None:
    with database.engine.begin() as connection:
        if how == "requeued":
            requeue(connection, claim.trial_id)
        else:
            connection.execute(text("UPDATE trials SET state = 'FAIL'"))
    with pytest.raises(LeaseLostError, match="Trial 0 was reassigned to another worker, or was ended"):
        report(database, claim, RESULT, 0.25)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM automl_epochs")) == 0
        assert connection.scalar(text("SELECT count(*) FROM trial_intermediate_values")) == 0


def end(database: Database, claim: Claim, outcome: Outcome, value: float | None) -> None:
    with database.engine.begin() as connection:
        report_end(
            connection,
            claim,
            outcome,
            value=value,
            user_attributes={"calibrated": {"plain": 1.5}},
            system_attributes={"artifacts:x": "{}"},
        )


@pytest.mark.parametrize(
    ("outcome", "value", "state", "stored"),
    [
        (Outcome("complete", 0.75), 0.75, TrialState.COMPLETE, 0.75),
        (Outcome("complete", math.inf), math.inf, TrialState.COMPLETE, math.inf),
        (Outcome("pruned", 0.75), 0.25, TrialState.PRUNED, 0.25),
        (Outcome("pruned", 0.75), math.nan, TrialState.PRUNED, None),  # Study.tell leaves it out as well
        (Outcome("pruned", failure="over a limit", reason="too large"), None, TrialState.PRUNED, None),
        (Outcome("failed", failure="bug", reason="Traceback"), None, TrialState.FAIL, None),
    ],
)
def test_end_is_stored_as_optuna_stores_it_and_a_second_time_changes_nothing(
    database: Database,
    storage: FastStorage,
    record: StudyRecord,
    claim: Claim,
    outcome: Outcome,
    value: float | None,
    state: TrialState,
    stored: float | None,
) -> None:
    end(database, claim, outcome, value)
    first = storage.get_trial(claim.trial_id)
    end(database, claim, Outcome("failed", failure="bug"), 0.1)  # the answer to the first call was lost
    trial = storage.get_trial(claim.trial_id)
    assert trial == first
    assert (trial.state, trial.value) == (state, stored)
    assert trial.user_attrs == {"calibrated": {"plain": 1.5}}
    assert trial.system_attrs["artifacts:x"] == "{}"
    assert trial.duration is not None
    assert 0 <= trial.duration.total_seconds() < 60
    with database.engine.connect() as connection:
        found = read_trial(connection, record, 0)
    assert (found.failure, found.reason) == (outcome.failure, outcome.reason)
    assert 0 <= found.seconds < 60


def test_end_of_an_older_attempt_is_refused(database: Database, storage: FastStorage, claim: Claim) -> None:
    with database.engine.begin() as connection:
        requeue(connection, claim.trial_id)
    with pytest.raises(LeaseLostError, match=re.escape("Trial 0 was reassigned to another worker (attempt 1).")):
        end(database, claim, Outcome("complete", 0.75), 0.75)
    trial = storage.get_trial(claim.trial_id)
    assert (trial.state, trial.value, trial.user_attrs) == (TrialState.WAITING, None, {})
