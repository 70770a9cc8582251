"""The database of the studies: PostgreSQL, embedded or anywhere, and nothing else.

SQLAlchemy alone is imported here, so that `automl status` answers fast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DatabaseError, OperationalError

from automl.errors import StorageError
from automl.masking import mask
from automl.storage.answers.full_server import HINT, await_connection, is_full, leave_some
from automl.storage.answers.waiting import AnswerWatch, watched_answers
from automl.storage.connecting import connector, is_libpq_variable
from automl.storage.database_url import postgres_url
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.refusals import refusal_of, refuse_read_only
from automl.storage.retry import OutageRetry, reason_of

PASSING = (
    "starting up",
    "shutting down",
    "not yet accepting",
    "in recovery",
    "too many clients",
    "remaining connection",
)
"""What a server that lives says while it cannot be used yet; any other refusal of its lasts."""
CONNECTIONS = 3
"""A worker's: its trial, its heartbeat, its slot on a GPU."""

LIMIT_STATEMENTS = """
SELECT set_config('statement_timeout', '60s', false) WHERE current_setting('statement_timeout') = '0'
"""
"""A worker's statement is repeated after that, so that none stays at the server whose worker is gone."""
ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,  # a restarted database is noticed before a statement is lost
    "pool_size": CONNECTIONS,
    "max_overflow": 0,
}


@dataclass(frozen=True)
class Database:
    """An open database."""

    url: str
    engine: Engine
    embedded: bool
    restart: Callable[[], object] = lambda: None
    """Starts the embedded server again should it be dead; does nothing to any other."""
    watch: AnswerWatch = field(default_factory=AnswerWatch)
    """How its connections wait for answers."""

    @property
    def connect(self) -> Callable[[], Any]:
        """What opens a connection of psycopg2's to it: `creator` of any other engine, such as Optuna's."""
        return connector(self.url, embedded=self.embedded, watch=self.watch)

    @property
    def shown(self) -> str:
        """Its URL without the password, or what it is."""
        return "the embedded database" if self.embedded else mask(self.url)

    def __repr__(self) -> str:
        return f"Database({mask(self.url)}, embedded={self.embedded})"


@event.listens_for(Engine, "handle_error")  # of every engine: Optuna's constructor makes one of its own
def _name_lost_connection(context: ExceptionContext) -> OperationalError | None:
    """Call a connection that broke in the middle of an answer what SQLAlchemy calls every other outage.

    psycopg2 raises its bare DatabaseError there, without an SQLSTATE: the server had no time to give one.
    """
    error = context.sqlalchemy_exception
    if type(error) is not DatabaseError or error.orig is None or getattr(error.orig, "pgcode", None) is not None:
        return None
    return OperationalError(error.statement, error.params, error.orig, connection_invalidated=context.is_disconnect)


@contextmanager
def open_database(
    url: str | None,
    *,
    home: Path,
    retry: OutageRetry | None = None,
    idle_in_transaction_timeout: float | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Iterator[Database]:
    """Connect to `url`, or to the embedded PostgreSQL of `home`, for the duration of the block.

    `retry`: of a process that may start before its database. `idle_in_transaction_timeout`, in seconds: of a process
    that others wait for. A transaction of its that is idle for longer is rolled back, and its locks are free. `log` is
    told of locks that a statement waits for.

    Raises: StorageError if the URL is not PostgreSQL's, or if nothing answers there, then or later.
    """
    if url:
        with _connected(
            postgres_url(url), retry=retry, idle_in_transaction_timeout=idle_in_transaction_timeout, log=log
        ) as database:
            yield database
        return
    server = EmbeddedPostgres(home)
    try:
        with _connected(
            server.start(),
            restart=server.start,
            retry=retry,
            idle_in_transaction_timeout=idle_in_transaction_timeout,
            log=log,
        ) as database:
            yield database
    finally:
        server.close()


@contextmanager
def _connected(
    url: str,
    *,
    restart: Callable[[], object] | None = None,
    retry: OutageRetry | None = None,
    idle_in_transaction_timeout: float | None = None,
    log: Callable[[str], None] = lambda _: None,
) -> Iterator[Database]:
    is_embedded = restart is not None
    watch = _watch(url, embedded=is_embedded, retry=retry, log=log)
    engine = sqlalchemy.create_engine(url, creator=connector(url, embedded=is_embedded, watch=watch), **ENGINE_OPTIONS)
    if idle_in_transaction_timeout is not None:
        _limit_idle_transactions(engine, idle_in_transaction_timeout)

    def connect() -> None:
        try:
            with engine.connect() as connection:
                if retry is not None:
                    refuse_read_only(connection)
        except OperationalError as error:
            if retry is None or not _may_pass(error):
                raise unreachable(url, error, embedded=restart is not None) from error
            raise

    try:
        with watched_answers():
            if retry is None:
                await_connection(connect)
            else:
                retry.retry_until_available(connect)
            yield Database(url, engine, is_embedded, restart or (lambda: None), watch)
    except OperationalError as error:  # it went away under a command that does not wait for it
        raise unreachable(url, error, embedded=restart is not None) from error
    except Exception as error:
        if (refusal := refusal_of(error, engine=engine)) is not None:
            raise StorageError(f"{mask(url)} refuses this: {refusal}") from error
        raise
    finally:
        engine.dispose()


def _watch(url: str, *, embedded: bool, retry: OutageRetry | None, log: Callable[[str], None]) -> AnswerWatch:
    """How the connections wait: a worker's are told when it is to end."""
    told = retry.shutdown_requested if retry is not None else (lambda: False)
    beside = AnswerWatch(is_told_to_end=told, is_repeating=True)  # asks whose lock it is, and gives up soon
    return AnswerWatch(
        log=log,
        is_told_to_end=told,
        is_repeating=retry is not None,
        connect=connector(url, embedded=embedded, watch=beside),
    )


def _limit_idle_transactions(engine: Engine, seconds: float) -> None:
    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"SET idle_in_transaction_session_timeout = {round(1000 * seconds)}")
            cursor.execute(LIMIT_STATEMENTS)
            leave_some(cursor)
        connection.autocommit = False


def _may_pass(error: OperationalError) -> bool:
    """Whether the database may answer later: nobody listens yet, or it says so itself; not with a wrong password."""
    said = str(error.orig)
    return "FATAL" not in said or any(words in said for words in PASSING)


def unreachable(url: str, error: OperationalError, *, embedded: bool) -> StorageError:
    """The error for a database that does not answer, with what to do; or not as it should."""
    if (refusal := refusal_of(error)) is not None:
        return StorageError(f"{mask(url)} refuses this: {refusal}")
    if is_full(error):
        return StorageError(f"{mask(url)} has no connection left: {reason_of(error)}. {HINT}")
    return StorageError(
        f"Cannot reach {mask(url)}: {reason_of(error)}.{'' if embedded else _settings_in_force()} "
        "Start it with: docker compose up -d postgres, or leave --storage and AUTOML_STORAGE out for the embedded one."
    )


def _settings_in_force() -> str:
    """Which variables of libpq's have a say beside the URL."""
    names = sorted(name for name in os.environ if is_libpq_variable(name))
    return f" The environment has a say too: {', '.join(names)}." if names else ""
