"""Write a database of this version, which every later one has to open: tests/storage/stored/version-N.sql.gz.

    python -m tests.storage.stored.make

To be run once for each version of the tables, before the release that brings it; what a release wrote never changes.
"""

from __future__ import annotations

import dataclasses
import gzip
import subprocess
import sys
import tempfile
from pathlib import Path

import optuna

from automl.results.note_writing import write_missing_trial_notes, write_study_note
from automl.storage.database import Database, open_database
from automl.storage.embedded.paths import wheel_binaries
from automl.storage.optuna_internals import enqueue_waiting_trial
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import VERSION
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from benchmarks.seeding import seed_trials
from tests.studies import SPECIFICATION

FOLDER = Path(__file__).parent
STUDY, FINISHED, BUDGET = "faces", 6, 8


def main() -> None:
    path = FOLDER / f"version-{VERSION}.sql.gz"
    if path.exists():
        sys.exit(f"{path.name} is there, and what was released never changes.")
    with tempfile.TemporaryDirectory(prefix="automl-stored-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        with open_database(None, home=Path(folder, "home")) as database:
            fill(database)
            path.write_bytes(gzip.compress(dump(database), mtime=0))


def fill(database: Database) -> None:
    """Finished trials, one that waits, and their notes."""
    create_schema(database)
    specification = dataclasses.replace(SPECIFICATION, seed=VERSION)
    record = create_or_continue(database, STUDY, specification, Budget(trials=BUDGET, seconds=600.0))
    seed_trials(database, record, trials=FINISHED)
    study = optuna.load_study(study_name=record.name, storage=open_storage(database))
    enqueue_waiting_trial(study, {"depth": 2})
    with database.engine.begin() as connection:
        write_missing_trial_notes(connection, record)
        write_study_note(connection, record)


def dump(database: Database) -> bytes:
    """SQL that psycopg2 can run: without psql's own commands."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [str(wheel_binaries() / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", url]
    lines = subprocess.check_output(command, text=True).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))).encode()


if __name__ == "__main__":
    main()
