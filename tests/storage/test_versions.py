"""An automl that knows other tables or another form of a study's specification says so and stops."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from automl.cli.main import main
from automl.errors import StorageError
from automl.storage.attributes import SPECIFICATION_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import VERSION
from tests.studies import SPECIFICATION, MakeStudy


def worker(database: Database, capsys: pytest.CaptureFixture[str]) -> str:
    """What a worker says that a user's mistake ends."""
    assert main(["worker", "faces", "--storage", database.url]) == 2
    return capsys.readouterr().err


def store_specification(database: Database, document: dict[str, object]) -> None:
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE study_user_attributes SET value_json = :document WHERE key = :key"),
            {"document": json.dumps(document), "key": SPECIFICATION_ATTRIBUTE},
        )


def test_a_worker_stops_at_tables_of_another_version(
    database: Database, make_study: MakeStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    make_study()
    with database.engine.begin() as connection:
        connection.execute(text(f"UPDATE automl_schema SET version = {VERSION + 1}"))
    assert worker(database, capsys) == (
        f"automl: The tables of this database are of version {VERSION + 1}, "
        f"and this automl works with version {VERSION}. "
        "Install the automl that wrote them, or use another database.\n"
    )


def test_tables_of_another_optuna_are_refused(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'v99.0.0.a'"))
    with pytest.raises(StorageError, match=r"^Optuna [\d.]+ cannot work with its tables in postgresql\+psycopg2://"):
        open_storage(database)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"version": 2}, "of version 2"),
        ({"novelty": 1}, "with novelty, which are unknown here"),
        ({"keep": None}, "without keep"),  # None: left out
    ],
    ids=["version", "unknown field", "missing field"],
)
def test_a_worker_stops_at_a_specification_of_another_version(
    database: Database,
    make_study: MakeStudy,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, object],
    what: str,
) -> None:
    make_study()
    document = SPECIFICATION.as_dict() | change
    store_specification(database, {name: value for name, value in document.items() if change.get(name, "") is not None})
    assert worker(database, capsys) == (
        f"automl: The study's specification is {what}, and this automl works with version 1: the study was made by "
        "another automl, and all its workers need that one. Install it here, or begin a new study.\n"
    )
