"""Note and pictures of a finished trial are made from what the database has, by whoever comes first."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pytest
from sqlalchemy import text

from automl.artifacts.artifact_records import CURVE, MATRIX, artifact_files
from automl.artifacts.garbage import remove_garbage
from automl.artifacts.store import FolderStore
from automl.metrics import EpochResult
from automl.queue.claims import Claim, take_waiting
from automl.results.trials import read_trial
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.record import StudyRecord
from automl.worker.epoch_reports import report_end, report_epoch
from automl.worker.outcomes import Outcome
from automl.worker.publishing import left_unpublished, mark, others_publish, publish_trial
from automl.worker.trial_pictures import draw_pictures
from tests.studies import MakeStudy

RESULT = EpochResult(**dict.fromkeys(EPOCH_COLUMNS, 0.5) | {"epoch": 0, "seconds": 2.0})  # type: ignore[arg-type]
MATRIX_KK = np.array([[3, 1], [0, 4]])
Finish = Callable[..., Claim]


@pytest.fixture
def record(make_study: MakeStudy) -> StudyRecord:
    return make_study()


@pytest.fixture
def study(record: StudyRecord, storage: FastStorage) -> optuna.Study:
    return optuna.load_study(study_name=record.name, storage=storage)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def finish(database: Database, record: StudyRecord, study: optuna.Study) -> Finish:
    """Records the end of a new trial of two epochs, which nobody has published."""

    def finish(worker_id: int | None = None) -> Claim:
        enqueue_waiting_trial(study, {})
        with database.engine.begin() as connection:
            claim = take_waiting(connection, study_id=record.study_id, worker_id=worker_id)
            assert claim is not None
            for epoch in range(2):
                report_epoch(connection, claim, replace(RESULT, epoch=epoch), 0.5, is_news=True)
            report_end(
                connection,
                claim,
                Outcome("complete", 0.5),
                value=0.5,
                user_attributes={},
                system_attributes=mark(MATRIX_KK),
            )
        return claim

    return finish


def note(database: Database) -> str:
    """The beginning of the only trial's note, as optuna-dashboard reads it (`test_notes`)."""
    with database.engine.connect() as connection:
        statement = text("SELECT value_json FROM study_system_attributes WHERE key LIKE 'dashboard:%:note_str:0'")
        return str(json.loads(connection.execute(statement).scalar_one()))


def join(database: Database, record: StudyRecord, *, silent_seconds: float = 0) -> int:
    """A worker that was heard of so long ago."""
    with database.engine.begin() as connection:
        worker_id = connection.scalar(
            text(
                "INSERT INTO automl_workers (study_id, ordinal, host, pid, device, beat_at) VALUES"
                " (:study, 0, 'elsewhere', 1, 'cpu', now() - make_interval(secs => :silent)) RETURNING worker_id"
            ),
            {"study": record.study_id, "silent": silent_seconds},
        )
    assert isinstance(worker_id, int)
    return worker_id


def test_what_is_published_is_what_the_worker_saw(
    database: Database, record: StudyRecord, store: FolderStore, finish: Finish
) -> None:
    claim, said = finish(), list[str]()
    for _ in range(2):  # whoever comes second finds nothing to do
        publish_trial(database.engine, record, claim.number, artifacts=store, log=said.append)
    assert note(database).startswith("**Complete**")
    with database.engine.connect() as connection:
        expected = draw_pictures(record, read_trial(connection, record, 0), MATRIX_KK)
        recorded = artifact_files(connection, record.study_id)
        assert left_unpublished(connection, record.study_id, worker_id=0) == []
    assert expected.keys() == {CURVE, MATRIX}
    written = {path.name: path.read_bytes() for path in store.folder.iterdir() if path.is_file()}
    assert written.keys() == set(recorded)
    assert sorted(written.values()) == sorted(expected.values())
    assert said == []


def test_pictures_that_could_not_be_stored_are_made_up_for(
    database: Database, record: StudyRecord, store: FolderStore, finish: Finish
) -> None:
    claim, said = finish(), list[str]()
    store.folder.write_text("a file where the folder should be")
    publish_trial(database.engine, record, claim.number, artifacts=store, log=said.append)
    partial = f"{store.folder}/.partial"
    assert said == [
        f"trial 0 has no pictures yet, they could not be stored: [Errno 20] Not a directory: '{partial}'",
    ]
    assert note(database).startswith("**Complete**")
    store.folder.unlink()
    with database.engine.connect() as connection:
        assert left_unpublished(connection, record.study_id, worker_id=0) == [0]
    publish_trial(database.engine, record, claim.number, artifacts=store, log=said.append)
    with database.engine.connect() as connection:
        assert left_unpublished(connection, record.study_id, worker_id=0) == []
        assert len(artifact_files(connection, record.study_id)) == 2


def test_picture_that_cannot_be_drawn_costs_the_pictures_and_nothing_else(
    database: Database, record: StudyRecord, store: FolderStore, finish: Finish
) -> None:
    claim, said = finish(), list[str]()
    data = replace(record.specification.data, class_names=("one",))  # fewer than the matrix has
    odd = replace(record, specification=replace(record.specification, data=data))
    publish_trial(database.engine, odd, claim.number, artifacts=store, log=said.append)
    assert said == ["trial 0 has no pictures: IndexError: index 1 is out of bounds for axis 1 with size 1"]
    assert note(database).startswith("**Complete**")
    with database.engine.connect() as connection:
        assert left_unpublished(connection, record.study_id, worker_id=0) == []


def test_a_living_worker_s_trials_are_left_to_it(database: Database, record: StudyRecord, finish: Finish) -> None:
    mine, alive, gone = join(database, record), join(database, record), join(database, record, silent_seconds=60)
    for worker_id in (mine, alive, gone):
        finish(worker_id)
    with database.engine.connect() as connection:
        assert left_unpublished(connection, record.study_id, worker_id=mine) == [0, 2]
        assert others_publish(connection, record.study_id, worker_id=mine)
        assert left_unpublished(connection, record.study_id, worker_id=alive) == [1, 2]
        connection.execute(text("UPDATE automl_workers SET ended_at = now() WHERE worker_id = :id"), {"id": alive})
        assert left_unpublished(connection, record.study_id, worker_id=mine) == [0, 1, 2]
        assert not others_publish(connection, record.study_id, worker_id=mine)


def test_pictures_that_are_about_to_be_recorded_are_no_garbage(
    database: Database, record: StudyRecord, store: FolderStore, finish: Finish
) -> None:
    """Another worker cleans up between the writing and the recording."""
    claim, said = finish(), list[str]()

    class Watched(FolderStore):
        def writing(self, name):  # type: ignore[no-untyped-def]
            remove_garbage(database.engine, study_id=record.study_id, study_uid=record.uid, artifacts=store)
            return super().writing(name)

    publish_trial(database.engine, record, claim.number, artifacts=Watched(store.folder), log=said.append)
    remove_garbage(database.engine, study_id=record.study_id, study_uid=record.uid, artifacts=store)
    with database.engine.connect() as connection:
        recorded = artifact_files(connection, record.study_id)
    assert len(recorded) == 2
    assert all(store.exists(name) for name in recorded)
