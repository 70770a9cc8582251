from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import psutil
import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from automl.errors import StorageError
from automl.storage.answers import full_server
from automl.storage.database import Database, open_database
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import Server
from automl.storage.retry import AWAY, OutageRetry

LOCK = text("SELECT pg_advisory_xact_lock(7)")


def test_locks_of_a_worker_that_stands_still_in_a_transaction_are_free_soon(
    postgres_url: str, database: Database, tmp_path: Path
) -> None:
    with (
        open_database(postgres_url, home=tmp_path, idle_in_transaction_timeout=0.3) as still,
        still.engine.connect() as stopped,
    ):
        stopped.execute(LOCK)
        with database.engine.begin() as other:
            other.execute(LOCK)  # waits until it is free
        with pytest.raises(AWAY):
            stopped.execute(LOCK)


class Clock:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def impatient(clock: Clock, warnings: list[str]) -> OutageRetry:
    return OutageRetry(outage_seconds=10, warn=warnings.append, clock=lambda: clock.now, sleep=clock.sleep)


def test_worker_waits_for_a_database_that_nobody_listens_at(tmp_path: Path) -> None:
    clock, warnings, url = Clock(), list[str](), "postgresql://automl:secret@127.0.0.1:9/automl"
    with (
        pytest.raises(StorageError, match=r"^The database did not answer for 1\d s, and AUTOML_OUTAGE_SECONDS is 10: "),
        open_database(url, home=tmp_path, retry=impatient(clock, warnings)),
    ):
        pytest.fail("it opened")
    assert clock.now > 10
    assert len(warnings) == 1


def test_worker_does_not_wait_for_a_server_that_refuses_it_for_good(postgres_url: str, tmp_path: Path) -> None:
    clock, warnings = Clock(), list[str]()
    wrong = postgres_url.replace("/test_", "/no_")
    with (
        pytest.raises(StorageError, match="does not exist"),
        open_database(wrong, home=tmp_path, retry=impatient(clock, warnings)),
    ):
        pytest.fail("it opened")
    assert (clock.now, warnings) == (0, [])


def test_connection_that_breaks_in_the_middle_of_an_answer_is_an_outage(home: Path) -> None:
    """Every other error of these is a bare DatabaseError of psycopg2's, which nobody would try again."""
    server, clients = EmbeddedPostgres(home), 16
    url, asking = server.start(), Barrier(clients + 1)

    def ask_until_it_breaks() -> DBAPIError:
        engine = sqlalchemy.create_engine(url)
        try:
            with engine.connect() as connection:
                asking.wait()
                while True:
                    connection.execute(text("SELECT relname FROM pg_class")).all()
                    connection.rollback()
        except DBAPIError as error:
            return error
        finally:
            engine.dispose()

    try:
        with ThreadPoolExecutor(clients) as pool:
            broken = [pool.submit(ask_until_it_breaks) for _ in range(clients)]
            asking.wait()
            running = Server.read(Path(os.path.realpath(home / "postgres")))
            assert running is not None
            postmaster = psutil.Process(running.pid)
            postmaster.send_signal(signal.SIGQUIT)  # an immediate shutdown
            errors = [future.result() for future in broken]
        psutil.wait_procs([postmaster])
        assert {type(error) for error in errors} == {OperationalError}
        assert all(error.connection_invalidated for error in errors)
    finally:
        server.close()


def test_workers_leave_connections_to_commands(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All connections of the server are fewer than those to keep."""
    monkeypatch.setattr(full_server, "KEPT_CONNECTIONS", 1000)
    clock, warnings = Clock(), list[str]()
    with (
        pytest.raises(StorageError, match="too many clients: the last 1000 connections are kept for commands"),
        open_database(postgres_url, home=tmp_path, retry=impatient(clock, warnings), idle_in_transaction_timeout=20),
    ):
        pytest.fail("it opened")
    assert len(warnings) == 1
    with open_database(postgres_url, home=tmp_path) as command, command.engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_server_without_a_connection_left_says_what_to_do(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_server.await_connection, "__kwdefaults__", {"seconds": 0.1})
    role = f"r{tmp_path.name.replace('-', '_')}"[:60].lower()
    with database.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'p' CONNECTION LIMIT 0"))
    url = database.engine.url.set(username=role, password="p").render_as_string(hide_password=False)
    try:
        with (
            pytest.raises(StorageError, match=r"has no connection left: .*too many connections .* A worker uses up to"),
            open_database(url, home=tmp_path),
        ):
            pytest.fail("it opened")
    finally:
        with database.engine.begin() as connection:
            connection.execute(text(f"DROP ROLE {role}"))
