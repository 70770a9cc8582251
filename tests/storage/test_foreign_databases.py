"""Databases that others set up: roles without rights, and encodings that lack letters. Exit 2, and what to do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import make_url

from automl.cli.main import main
from tests.studies import MakeStudy

ROLE = "automl_least"


@pytest.fixture
def least(postgres_url: str) -> Iterator[str]:
    """URL of the database for a role that may connect, and no more."""
    admin = sqlalchemy.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'x'"))
    yield make_url(postgres_url).set(username=ROLE, password="x").render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP OWNED BY {ROLE}"))
        connection.execute(text(f"DROP ROLE {ROLE}"))
    admin.dispose()


def refused(capsys: pytest.CaptureFixture[str], *words: str, home: Path) -> str:
    """What a command says that ends with 2."""
    assert main([*words, "--home", str(home)]) == 2, words
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said


GRANTS = [
    "SELECT 1",
    f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {ROLE}",
    f"REVOKE USAGE ON SCHEMA public FROM {ROLE}",
]


@pytest.mark.parametrize("grant", GRANTS[:2])
def test_a_role_without_rights_is_told_so(
    make_study: MakeStudy,
    postgres_url: str,
    least: str,
    grant: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record = make_study()
    engine = sqlalchemy.create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(grant))
    engine.dispose()
    changes = [
        ("stop", record.name),
        ("delete", record.name, "--yes"),
        ("create", "new", "--data", "digits", "--space", "quick"),
    ]
    reads = [("status", record.name), ("studies",), ("show", "0", record.name)]
    for words in changes + reads * (grant == GRANTS[0]):
        said = refused(capsys, *words, "--storage", least, home=tmp_path)
        assert "refuses this: permission denied for" in said, words
        assert "Give the URL of a role that may do this" in said


def test_a_role_that_may_make_no_tables_is_told_so(
    postgres_url: str, least: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("create", "new", "--data", "digits", "--space", "quick", "--storage", least)
    assert "refuses this: permission denied for schema public" in refused(capsys, *words, home=tmp_path)


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_letters_that_a_database_lacks_are_told(
    postgres_server: str, tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"))
    url = make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    try:
        for study, ends in (("plain", (0,)), ("猫", (0, 2))):
            words = ("create", study, "--data", "digits", "--space", "quick", "--storage", url, "--home", str(tmp_path))
            code = main(list(words))
            said = capsys.readouterr().err
            assert code in ends
            assert code == 0 or "The database is not in UTF-8" in said
            assert main(["status", study, "--storage", url, "--home", str(tmp_path)]) == code
            capsys.readouterr()
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
