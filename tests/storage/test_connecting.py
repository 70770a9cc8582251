"""The environment of libpq: none of it for the embedded database, for another one what makes sense."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from sqlalchemy import text

from automl.cli.main import main
from automl.errors import StorageError
from automl.results.studies import list_studies
from automl.storage.connecting import connector
from automl.storage.database import Database, open_database
from automl.storage.optuna_storage import open_storage
from automl.storage.refusals import READ_ONLY
from automl.storage.schema import has_schema
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.stopping import request_stop
from tests.studies import SPECIFICATION, MakeStudy

HOSTILE = {
    "PGCHANNELBINDING": "require",
    "PGHOSTADDR": "192.0.2.1",
    "PGHOST": "nowhere",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGPASSWORD": "wrong",
    "PGDATABASE": "none",
    "PGSERVICE": "nowhere",
    "PGSERVICEFILE": "/no/such/file",
    "PGSYSCONFDIR": "/no/such/folder",
    "PGPASSFILE": "/no/such/file",
    "PGREQUIREAUTH": "none",
    "PGREQUIREPEER": "nobody",
    "PGGSSENCMODE": "require",
    "PGSSLMODE": "bogus",
    "PGSSLNEGOTIATION": "direct",
    "PGSSLROOTCERT": "system",
    "PGTARGETSESSIONATTRS": "standby",
    "PGLOADBALANCEHOSTS": "bogus",
    "PGCONNECT_TIMEOUT": "soon",
    "PGOPTIONS": "-c search_path=audit -c default_transaction_read_only=on",
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "nowhere/at all",
    "PGDATESTYLE": "bogus",
    "PGGEQO": "perhaps",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_connection_to_the_embedded_database_sees_no_setting_of_the_user_s(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, HOSTILE[name])
    connection = connector(postgres_url, embedded=True)()
    assert connection.encoding == "UTF8"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE written (at timestamptz)")
    connection.close()
    assert os.environ[name] == HOSTILE[name]


def test_embedded_database_works_with_all_of_them_at_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our connections, Optuna's while it makes its tables, and Optuna's while it works."""
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    with open_database(None, home=home) as database:
        create_schema(database)
        create_or_continue(database, "猫", SPECIFICATION, Budget(trials=1))
        assert [study.study_name for study in open_storage(database).get_all_studies()] == ["猫"]
        assert main(["studies", "--home", str(home)]) == 0
    assert "猫" in capsys.readouterr().out


def test_every_connection_has_its_encoding(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    with open_database(f"{postgres_url}&client_encoding=latin1", home=tmp_path) as database:
        create_schema(database)
        record = create_or_continue(database, "猫", SPECIFICATION, Budget(trials=1))
        storage = open_storage(database)
        assert storage.get_study_name_from_id(record.study_id) == "猫"
        storage.remove_session()


def test_settings_of_the_user_s_that_make_sense_stay_in_force(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=77s")
    monkeypatch.setenv("PGAPPNAME", "mine")
    connection = connector(postgres_url, embedded=False)()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('application_name')")
        assert cursor.fetchone() == ("77s", "mine")
    connection.close()
    named = connector(f"{postgres_url}&application_name=theirs&connect_timeout=3", embedded=False)()
    assert (named.info.dsn_parameters["application_name"], named.info.dsn_parameters["connect_timeout"]) == (
        "theirs",
        "3",
    )
    named.close()


def test_database_out_of_reach_names_the_variables_that_have_a_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCHANNELBINDING", "require")
    monkeypatch.setenv("PGDATA", "/of/a/server")
    sentence = " The environment has a say too: PGCHANNELBINDING. Start it with: docker compose up -d postgres, or "
    with (
        pytest.raises(StorageError, match=re.escape(sentence)),
        open_database("postgresql://a:b@127.0.0.1:9/c", home=tmp_path),
    ):
        pytest.fail("it opened")


def test_studies_in_a_schema_that_the_connection_does_not_look_at_are_no_empty_list(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=audit")
    assert main(["studies", "--storage", database.url]) == 2
    assert capsys.readouterr().err == (
        "automl: The studies of this database are in schema public, and this connection looks in audit. "
        "Take search_path out of PGOPTIONS and the role's settings; or, to begin anew where it looks, add "
        "?options=-csearch_path%3DSCHEMA to the URL.\n"
    )


def test_schema_that_the_url_names_may_be_a_new_one(database: Database, tmp_path: Path) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA mine"))
    with open_database(f"{database.url}&options=-csearch_path%3Dmine", home=tmp_path) as other:
        with other.engine.connect() as connection:
            assert not has_schema(connection)
        create_schema(other)
        create_or_continue(other, "theirs", SPECIFICATION, Budget(trials=1))
        with other.engine.connect() as connection, database.engine.connect() as first:
            assert [study.study for study in list_studies(connection)] == ["theirs"]
            assert list_studies(first) == []


def test_tables_of_somebody_else_s_before_ours_are_told(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA audit"))
        connection.execute(text("CREATE TABLE audit.trials (what text)"))
    monkeypatch.setenv("PGOPTIONS", "-c search_path=audit,public")
    assert main(["studies", "--storage", database.url]) == 2
    assert capsys.readouterr().err == (
        "automl: With search_path audit,public the tables of the studies come from several schemas, and some of them "
        "are somebody else's. Name one schema alone: see PGOPTIONS, the URL's options and the role's settings.\n"
    )


def test_schema_that_is_not_there_is_told(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c search_path=audit")
    sentence = "refuses this: no schema has been selected to create in"
    with pytest.raises(StorageError, match=sentence), open_database(postgres_url, home=tmp_path) as database:
        create_schema(database)


def test_connection_that_can_only_read_reads_and_says_why_it_cannot_write(
    make_study: MakeStudy, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = make_study()
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
    assert main(["studies", "--storage", database.url]) == 0
    sentence = f"refuses this: cannot execute UPDATE in a read-only transaction. {READ_ONLY}"
    with (
        pytest.raises(StorageError, match=re.escape(sentence)),
        open_database(database.url, home=tmp_path) as opened,
        opened.engine.begin() as connection,
    ):
        request_stop(connection, record)


def test_worker_that_may_not_write_does_not_wait_for_better_times(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c default_transaction_read_only=on")
    assert main(["worker", "faces", "--storage", database.url]) == 2
    assert f" cannot be worked with. {READ_ONLY}\n" in capsys.readouterr().err
