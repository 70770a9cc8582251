from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ProgrammingError

from automl.errors import StorageError
from automl.storage.database import Database
from automl.storage.roles import create_reader

ROLE = "automl_test_reader"
PASSWORD = "it's a 'secret' %s"


@pytest.fixture
def reader(database: Database) -> Iterator[Engine]:
    """The database as the role sees it, which is made twice."""
    for password in ("another", PASSWORD):
        with database.engine.begin() as connection:
            create_reader(connection, ROLE, password=password)
    engine = sqlalchemy.create_engine(make_url(database.url).set(username=ROLE, password=PASSWORD))
    yield engine
    engine.dispose()
    with database.engine.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {ROLE}"))
        connection.execute(text(f"DROP ROLE {ROLE}"))


def test_the_reader_sees_every_table_and_those_that_come_later(reader: Engine, database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE later (n integer)"))
    with reader.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM studies")) == 0
        assert connection.scalar(text("SELECT count(*) FROM later")) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM studies",
        "UPDATE trials SET state = 'FAIL'",
        "INSERT INTO studies (study_name) VALUES ('x')",
        "TRUNCATE trials CASCADE",
        "DROP TABLE automl_epochs",
        "CREATE TABLE mine (n integer)",
    ],
)
def test_the_reader_can_change_nothing(reader: Engine, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        reader.begin() as connection,
    ):
        connection.execute(text(statement))


def test_the_server_is_never_told_the_password(reader: Engine, database: Database) -> None:
    with database.engine.connect() as connection:
        stored = connection.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = :role"), {"role": ROLE})
    assert str(stored).startswith("SCRAM-SHA-256$")


def test_a_user_who_may_not_create_roles_is_told_what_to_do(reader: Engine) -> None:
    message = (
        "The role automl_other, which the dashboard reads with, cannot be made: permission denied to create role. "
        "Let a user with CREATEROLE run automl setup, or leave AUTOML_DASHBOARD_PASSWORD out."
    )
    with pytest.raises(StorageError, match=re.escape(message)), reader.begin() as connection:
        create_reader(connection, "automl_other", password="x")
