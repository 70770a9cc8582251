"""A database that hangs, delays, halves, drops and resets: no wait without an end, and a stop is obeyed at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2 import extensions
from sqlalchemy import text

from automl.application.signals import stop_on_signals
from automl.errors import StorageError
from automl.queue.heartbeat import Heartbeat
from automl.storage.answers import waiting
from automl.storage.connecting import connector
from automl.storage.database import Database, open_database
from automl.storage.retry import OutageRetry
from tests.postgres_proxy import Fault, PostgresProxy, proxied
from tests.studies import MakeStudy

ONE = text("SELECT 1")
Proxied = tuple[PostgresProxy, str]


@pytest.fixture
def proxy(postgres_url: str) -> Iterator[Proxied]:
    with proxied(postgres_url) as opened:
        yield opened


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds in place of ten: what is waited for is the same."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(waiting, "PROBE_SECONDS", 0.4)
    monkeypatch.setattr(waiting, "PATIENT_PROBE_SECONDS", 0.4)


def ask(database: Database) -> None:
    with database.engine.connect() as connection:
        assert connection.scalar(ONE) == 1


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("fault", ["hang", "halve"])
def test_command_ends_with_a_message_when_the_server_answers_nobody(
    proxy: Proxied, tmp_path: Path, fault: Fault
) -> None:
    broken, url = proxy

    def ask_then() -> None:
        with open_database(f"{url}?connect_timeout=1", home=tmp_path) as database, database.engine.connect() as asking:
            broken.break_down(fault)
            asking.execute(ONE)

    with pytest.raises(StorageError, match=r"^Cannot reach .*: no answer for \d s, nor to a new connection\."):
        ask_then()


@pytest.mark.usefixtures("_impatient")
def test_long_statement_and_wait_for_a_lock_go_on_and_the_holder_is_named(proxy: Proxied, tmp_path: Path) -> None:
    """Three times as long as a server that answers nobody would be given."""
    _, url = proxy
    said, lock, named = list[str](), text("SELECT pg_advisory_xact_lock(7)"), threading.Event()
    retry = OutageRetry(outage_seconds=60, warn=said.append)

    def log(line: str) -> None:
        said.append(line)
        named.set()

    def free() -> None:
        named.wait(60)
        holder.rollback()

    with (
        open_database(url, home=tmp_path) as first,
        open_database(url, home=tmp_path, log=log, retry=retry) as second,
        first.engine.connect() as holder,
        second.engine.connect() as waiter,
    ):
        waiter.execute(text("SELECT pg_sleep(2.1)"))
        holder.execute(lock)
        pid = holder.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
        freeing = threading.Thread(target=free)
        freeing.start()
        waiter.execute(lock)
        freeing.join()
    assert len(said) == 1
    assert said[0].startswith(f"Waiting for a lock in the database, held by automl, process {os.getpid()} on ")
    assert f"(PostgreSQL's process {pid}, idle in transaction, " in said[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_obeyed_while_the_database_hangs(proxy: Proxied, tmp_path: Path, number: int) -> None:
    """With the true times: a worker in the middle of a statement."""
    broken, url = proxy
    said = list[str]()
    with stop_on_signals() as stop_event:
        retry = OutageRetry(outage_seconds=600, shutdown_requested=stop_event.is_set, warn=said.append)
        with open_database(url, home=tmp_path, retry=retry) as database:
            ask(database)
            broken.break_down("hang")
            threading.Timer(0.5, os.kill, (os.getpid(), number)).start()
            began = time.monotonic()
            with pytest.raises(StorageError, match=r"^This worker was told to end while the database did "):
                retry.retry_until_available(lambda: ask(database))
            with pytest.raises(StorageError):
                retry.try_once(lambda: ask(database))
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("_impatient")
def test_outage_has_its_limit_while_the_database_hangs(proxy: Proxied, tmp_path: Path) -> None:
    broken, url = proxy
    said = list[str]()
    retry = OutageRetry(outage_seconds=1, warn=said.append)
    with open_database(f"{url}?connect_timeout=1", home=tmp_path, retry=retry) as database:
        ask(database)
        broken.break_down("hang")
        began = time.monotonic()
        with pytest.raises(StorageError, match=r"did not answer for \d s, and AUTOML_OUTAGE_SECONDS is 1: no answer "):
            retry.retry_until_available(lambda: ask(database))
        assert time.monotonic() - began < 10
        assert said == ["The database does not answer; trying for 1 s (no answer to a new connection within 1 s)."]


@pytest.mark.usefixtures("_impatient")
def test_work_goes_on_while_the_database_hangs_and_its_return_is_noticed(
    proxy: Proxied, database: Database, make_study: MakeStudy, tmp_path: Path
) -> None:
    """Tries cost a tenth of the time, and the heartbeat says first what is missed, and that it is back."""
    record, (broken, url), said = make_study(), proxy, list[str]()
    missed, heard = threading.Event(), threading.Event()

    def warn(line: str) -> None:
        said.append(line)
        (heard if "is back" in line else missed).set()

    retry = OutageRetry(outage_seconds=600, warn=warn)
    with (
        open_database(f"{url}?connect_timeout=1", home=tmp_path, retry=retry) as worker,
        Heartbeat(worker.engine, study_id=record.study_id, device="cpu", warn=said.append, retry=retry),
    ):
        broken.break_down("hang")
        assert missed.wait(10)
        assert not retry.try_once(lambda: ask(worker))
        began = time.monotonic()
        assert not any(retry.try_once(lambda: ask(worker)) for _ in range(100))
        assert time.monotonic() - began < 1
        broken.heal()
        deadline = time.monotonic() + 30
        while not retry.try_once(lambda: ask(worker)):
            assert time.monotonic() < deadline
            heard.wait(0.05)
        assert heard.wait(10)
    assert said[0].startswith("The database does not answer (no answer ")


@pytest.mark.parametrize("reset", [False, True], ids=["dropped", "reset"])
def test_lost_connections_and_slow_answers_cost_nothing(proxy: Proxied, tmp_path: Path, reset: bool) -> None:
    broken, url = proxy
    retry = OutageRetry(outage_seconds=60, warn=lambda _: None)
    with open_database(url, home=tmp_path, retry=retry) as database:
        ask(database)
        broken.break_down("delay")
        broken.drop(reset=reset)
        retry.retry_until_available(lambda: ask(database))


def test_host_that_does_not_answer_leaves_the_next_one_its_turn(postgres_url: str, tmp_path: Path) -> None:
    with proxied(postgres_url) as (hung, url), proxied(postgres_url) as (sound, _):
        hung.break_down("hang")
        listed = url.replace(f"127.0.0.1:{hung.port}", "")
        hosts = f"?host=127.0.0.1:{hung.port}&host=127.0.0.1:{sound.port}&connect_timeout=1"
        with open_database(listed + hosts, home=tmp_path) as database:
            ask(database)


@pytest.fixture
def _nothing_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests' databases may be open in this process."""
    monkeypatch.setattr(waiting, "_users", [])
    before = extensions.get_wait_callback()
    extensions.set_wait_callback(None)
    yield
    extensions.set_wait_callback(before)


@pytest.mark.usefixtures("_nothing_open")
def test_psycopg2_waits_as_ever_where_no_database_of_ours_is_open(postgres_url: str, tmp_path: Path) -> None:
    with open_database(postgres_url, home=tmp_path):
        assert extensions.get_wait_callback() is waiting._wait
    assert extensions.get_wait_callback() is None
    connector(postgres_url, embedded=False)().close()
