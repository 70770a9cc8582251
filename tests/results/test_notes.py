"""Notes as optuna-dashboard reads them."""

from __future__ import annotations

import dataclasses

import optuna
import optuna_dashboard
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import text

from automl.results.note_writing import PIECE_LETTERS, write_missing_trial_notes, write_study_note, write_trial_note
from automl.results.notes import trial_note
from automl.results.trials import TrialRecord
from automl.storage.database import Database
from automl.study.record import StudyRecord
from tests.studies import SPECIFICATION, MakeStudy

FAILED = TrialRecord(
    study="faces",
    trial_id=1,
    number=0,
    state="failed",
    value=None,
    best_epoch=None,
    recipe={},
    parameters=None,
    milliseconds=None,
    threads=None,
    attempt=0,
    lost=0,
    seconds=8.0,
    failure="diverged",
    reason="The training loss became nan in epoch 2.",
    started_at=None,
    completed_at=None,
    epochs=(),
)


@pytest.fixture
def record(make_study: MakeStudy) -> StudyRecord:
    return make_study()


@pytest.fixture
def study(record: StudyRecord, storage: RDBStorage) -> optuna.Study:
    return optuna.load_study(study_name=record.name, storage=storage)


def test_note_of_a_failed_trial_says_why_and_what_to_do(record: StudyRecord) -> None:
    note = trial_note(record, FAILED)
    assert note.startswith("**Failed: diverged**")
    assert "The training loss became nan in epoch 2." in note
    assert "lower the largest learning rate of the space" in note


def test_long_traceback_keeps_its_end(record: StudyRecord) -> None:
    note = trial_note(record, dataclasses.replace(FAILED, failure="bug", reason="first\n" + "x" * 9000 + "\nlast"))
    assert len(note) < 2000
    assert "first" not in note
    assert "last\n```" in note


def test_dashboard_reads_long_notes_whole_and_a_second_one_replaces_the_first(
    record: StudyRecord, study: optuna.Study, database: Database
) -> None:
    trial = study.ask()
    long = dataclasses.replace(FAILED, trial_id=trial._trial_id, reason="é" * 1500, failure="x" * PIECE_LETTERS)
    for failed in (long, dataclasses.replace(long, failure="bug")):
        with database.engine.begin() as connection:
            write_trial_note(connection, record, failed)
        assert optuna_dashboard.get_note(trial) == trial_note(record, failed)


def test_trial_that_no_worker_could_tell_of_gets_its_note(
    record: StudyRecord, study: optuna.Study, database: Database
) -> None:
    trial = study.ask()
    study.tell(trial, state=TrialState.FAIL)
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO automl_trials (trial_id, failure) VALUES (:trial_id, 'worker lost')"),
            {"trial_id": trial._trial_id},
        )
        write_missing_trial_notes(connection, record)
    assert "Its workers vanished one after another" in optuna_dashboard.get_note(trial)


def test_study_s_note_has_its_specification_from_the_start(
    record: StudyRecord, study: optuna.Study, database: Database
) -> None:
    with database.engine.begin() as connection:
        write_study_note(connection, record)
    note = optuna_dashboard.get_note(study)
    assert note.startswith("**No trial is complete yet.**")
    assert f"| data | faces (`/data/faces`, fingerprint {SPECIFICATION.data.fingerprint[:12]}) |" in note
    assert "- learning_rate: 0.0001 to 0.01, log" in note


def test_study_s_note_that_somebody_wrote_stays(record: StudyRecord, study: optuna.Study, database: Database) -> None:
    optuna_dashboard.save_note(study, "my own words")
    with database.engine.begin() as connection:
        write_study_note(connection, record)
    assert optuna_dashboard.get_note(study) == "my own words"
