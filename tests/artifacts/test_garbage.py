from __future__ import annotations

import json
from pathlib import Path

from optuna.storages import RDBStorage
from sqlalchemy import text

from automl.artifacts.artifact_records import CURVE, WEIGHTS, artifact_files, artifact_id
from automl.artifacts.checkpoint_names import checkpoint_name
from automl.artifacts.garbage import forget_earlier, remove_garbage
from automl.artifacts.store import FolderStore
from automl.storage.database import Database
from automl.storage.optuna_internals import artifact_record
from tests.studies import MakeStudy

FINISHED, RUNNING = 0, 1


def test_what_killed_workers_left_is_deleted_and_nothing_else(
    database: Database, storage: RDBStorage, make_study: MakeStudy, tmp_path: Path
) -> None:
    record, store = make_study(), FolderStore(tmp_path / "artifacts")
    with database.engine.begin() as connection:
        ids = {
            number: connection.scalar(
                text(
                    """
                    WITH trial AS (INSERT INTO trials (study_id, number, state)
                        VALUES (:study, :number, CAST(:state AS trialstate)) RETURNING trial_id)
                    INSERT INTO automl_trials (trial_id, attempt) SELECT trial_id, 1 FROM trial RETURNING trial_id
                    """
                ),
                {"study": record.study_id, "number": number, "state": state},
            )
            for number, state in ((FINISHED, "COMPLETE"), (RUNNING, "RUNNING"))
        }
        for attempt in (0, 1):
            key, value = artifact_record(artifact_id(record.uid, FINISHED, attempt, WEIGHTS), filename=WEIGHTS)
            connection.execute(
                text("INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (:id, :key, :value)"),
                {"id": ids[FINISHED], "key": key, "value": json.dumps(value)},
            )
        forget_earlier(connection, ids[FINISHED], study_uid=record.uid, number=FINISHED, attempt=1)
        assert artifact_files(connection, record.study_id) == [artifact_id(record.uid, FINISHED, 1, WEIGHTS)]
    kept = {
        artifact_id(record.uid, FINISHED, 1, WEIGHTS),
        artifact_id(record.uid, RUNNING, 0, WEIGHTS),  # about to be recorded
        artifact_id("another study", FINISHED, 0, WEIGHTS),
        checkpoint_name(record.uid, RUNNING, 0),
        checkpoint_name("another study", FINISHED, 0),
        f"checkpoints/{record.uid}/.nfs0000000000a1b2c300000001",  # still open somewhere
    }
    left = {
        artifact_id(record.uid, FINISHED, 0, WEIGHTS),
        artifact_id(record.uid, FINISHED, 1, CURVE),
        checkpoint_name(record.uid, FINISHED, 0),
    }
    for name in kept | left:
        with store.writing(name) as path:
            path.write_bytes(b"something")
    for _ in range(2):
        remove_garbage(database.engine, study_id=record.study_id, study_uid=record.uid, artifacts=store)
        files = {path.relative_to(store.folder).as_posix() for path in store.folder.rglob("*") if path.is_file()}
        assert files == kept
