"""Databases as every released version wrote them are opened, read and continued."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import text

from automl.errors import StorageError
from automl.queue.claims import take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.results.status import read_status
from automl.results.trials import read_trial
from automl.storage.database import Database, open_database
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import VERSION
from automl.storage.schema_creation import create_schema, upgrade_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.record import find_study
from automl.worker.epoch_reports import report_end
from automl.worker.outcomes import Outcome
from tests.storage.stored.make import BUDGET, FINISHED, FOLDER, STUDY
from tests.studies import SPECIFICATION

DUMPS = sorted(FOLDER.glob("version-*.sql.gz"))


def version_of(path: Path) -> int:
    return int(path.name.removeprefix("version-").removesuffix(".sql.gz"))


@pytest.fixture(params=DUMPS, ids=lambda path: f"version {version_of(path)}")
def stored(request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path) -> Iterator[Database]:
    """A database as that version left it."""
    with open_database(postgres_url, home=tmp_path) as database:
        connection = database.engine.raw_connection()
        connection.cursor().execute(gzip.decompress(request.param.read_bytes()).decode())
        connection.commit()
        connection.close()
        database.engine.dispose()  # pg_dump's settings of the session
        yield database


def test_this_version_has_its_stored_database() -> None:
    assert VERSION in map(version_of, DUMPS), "run: python -m tests.storage.stored.make"


def test_a_stored_study_is_read_and_goes_on(stored: Database, request: pytest.FixtureRequest) -> None:
    assert upgrade_schema(stored) == VERSION
    create_schema(stored)
    with stored.engine.connect() as connection:
        seed = find_study(connection, STUDY).specification.seed
    specification = dataclasses.replace(SPECIFICATION, seed=seed)
    record = create_or_continue(stored, STUDY, specification, Budget(trials=BUDGET + 1))
    with stored.engine.connect() as connection:
        status = read_status(connection, record)
        assert (status.budget_trials, status.budget_seconds) == (BUDGET + 1, 600.0)
        assert len(read_trial(connection, record, 0).epochs) > 0
    storage = open_storage(stored)
    study = optuna.load_study(study_name=STUDY, storage=storage)
    while enqueue_trial(storage, study, [], exhaustive=False):
        pass
    with stored.engine.begin() as connection:
        while claim := take_waiting(connection, study_id=record.study_id, worker_id=None):
            outcome = Outcome("complete", 0.5)
            report_end(connection, claim, outcome, value=0.5, user_attributes={}, system_attributes={})
    states = [trial.state for trial in study.get_trials(deepcopy=False)]
    storage.remove_session()
    assert len(states) == BUDGET + 1
    assert states[FINISHED:] == [TrialState.COMPLETE] * (BUDGET + 1 - FINISHED)


STEPS = {
    VERSION - 1: "ALTER TABLE automl_studies ADD COLUMN first_step integer",
    VERSION: "ALTER TABLE automl_studies ADD COLUMN second_step integer",
}
"""Two made-up steps: no version has been released yet that would need one."""


def test_an_upgrade_goes_through_every_version(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE automl_schema SET version = {VERSION - 1}"))
    assert upgrade_schema(database, upgrades=STEPS) == VERSION + 1
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT first_step, second_step FROM automl_studies")).all() == []
        assert connection.scalars(text("SELECT version FROM automl_schema")).all() == [VERSION + 1]


def test_an_upgrade_that_fails_leaves_everything_as_it_was(database: Database) -> None:
    steps = STEPS | {VERSION + 1: "SELECT 1 / 0"}
    with pytest.raises(Exception, match="division by zero"):
        upgrade_schema(database, upgrades=steps)
    assert upgrade_schema(database) == VERSION


def test_tables_are_not_upgraded_under_workers(stored: Database) -> None:
    with stored.engine.begin() as connection:
        row = "SELECT study_id, 0, 'elsewhere', 1, 'cpu' FROM automl_studies"
        connection.execute(text(f"INSERT INTO automl_workers (study_id, ordinal, host, pid, device) {row}"))
    message = (
        "Workers of an earlier automl are at work on this database (1), and its tables cannot be upgraded under them. "
        "Stop them with: automl stop, and repeat this when they have ended."
    )
    with pytest.raises(StorageError, match=re.escape(message)):
        upgrade_schema(stored, upgrades=STEPS)
    assert upgrade_schema(stored) == VERSION
