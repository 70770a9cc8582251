"""Studies that move, and another database that they move to."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import make_url

from automl.artifacts.checkpoint_names import checkpoint_name
from automl.artifacts.store import FolderStore
from automl.queue.claims import take_waiting
from automl.results.note_writing import write_missing_trial_notes
from automl.storage.database import Database, open_database
from automl.storage.optuna_internals import artifact_record, enqueue_waiting_trial
from automl.storage.optuna_storage import open_storage
from automl.study.record import StudyRecord
from benchmarks.seeding import seed_trials
from tests.studies import MakeStudy

FINISHED = 6
WEIGHTS = b"the weights"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def elsewhere(postgres_server: str, tmp_path: Path) -> Iterator[Database]:
    """Another database, empty."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with open_database(url, home=tmp_path) as opened:
        yield opened
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def search(database: Database, make_study: MakeStudy, store: FolderStore) -> StudyRecord:
    """Finished trials, the first with weights; one at work, with a checkpoint; one that waits."""
    record = make_study(trials=20)
    seed_trials(database, record, trials=FINISHED)
    storage = open_storage(database)
    study = optuna.load_study(study_name=record.name, storage=storage)
    for fixed in ({"depth": 2}, {}):
        enqueue_waiting_trial(study, fixed)
    with database.engine.begin() as connection:
        claim = take_waiting(connection, study_id=record.study_id, worker_id=None)
        assert claim is not None
        write_missing_trial_notes(connection, record)
    with store.writing("one") as path:
        path.write_bytes(WEIGHTS)
    first = study.get_trials(deepcopy=False)[0]
    storage_id = first._trial_id
    key, value = artifact_record("one", filename="weights.pt")
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (:id, :key, :value)"),
            {"id": storage_id, "key": key, "value": json.dumps(value)},
        )
    with store.writing(checkpoint_name(record.uid, claim.number, claim.attempt)) as path:
        path.write_bytes(b"half way")
    storage.remove_session()
    return record


def rewrite(file: Path, name: str, content: str) -> None:
    """Change one file of a backup."""
    with zipfile.ZipFile(file) as archive:
        kept = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for one, bytes_ in (kept | {name: content.encode()}).items():
            archive.writestr(one, bytes_)
