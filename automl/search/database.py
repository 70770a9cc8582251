"""The database of the studies: PostgreSQL, embedded or anywhere, and nothing else.

SQLAlchemy alone is imported here, so that `automl status` answers fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from automl.errors import StorageError
from automl.search.embedded import EmbeddedPostgres
from automl.settings import mask

CONNECTIONS = 3
"""A worker's: its trial, its heartbeat, its place on a GPU."""

ENGINE_OPTIONS: dict[str, object] = {
    "pool_pre_ping": True,  # a restarted database is noticed before a statement is lost
    "pool_size": CONNECTIONS,
    "max_overflow": 0,
    "connect_args": {
        "connect_timeout": 10,
        "application_name": "automl",
        # A lost host is noticed within a minute and a half; the kernel's default is over two hours.
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 6,
    },
}


@dataclass(frozen=True)
class Database:
    """An open database."""

    url: str
    engine: Engine
    embedded: bool

    @property
    def shown(self) -> str:
        """Its URL without the password, or what it is."""
        return "the embedded database" if self.embedded else mask(self.url)

    def __repr__(self) -> str:
        return f"Database({mask(self.url)}, embedded={self.embedded})"


@contextmanager
def open_database(url: str | None, *, home: Path) -> Iterator[Database]:
    """Connect to `url`, or to the embedded PostgreSQL of `home`, for the duration of the block.

    Raises: StorageError if the URL is not PostgreSQL's, or if nothing answers there.
    """
    if url:
        with _connected(postgres_url(url), embedded=False) as database:
            yield database
        return
    server = EmbeddedPostgres(home)
    try:
        with _connected(server.start(), embedded=True) as database:
            yield database
    finally:
        server.close()


@contextmanager
def _connected(url: str, *, embedded: bool) -> Iterator[Database]:
    engine = sqlalchemy.create_engine(url, **ENGINE_OPTIONS)
    try:
        try:
            engine.connect().close()
        except OperationalError as error:
            raise unreachable(url, error) from error
        yield Database(url, engine, embedded)
    finally:
        engine.dispose()


def postgres_url(text: str) -> str:
    """`text` as a URL for psycopg2.

    Raises: StorageError if it is not a PostgreSQL URL.
    """
    try:
        url: URL = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port or an address in brackets that is none
        raise StorageError(
            f"{mask(text)!r} is not a database URL. It reads: postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        ) from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise StorageError(
            f"{mask(text)} is not PostgreSQL: locks, budgets and crash recovery rest on PostgreSQL alone. "
            "Leave --storage out for the embedded one, or give postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        )
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def unreachable(url: str, error: OperationalError) -> StorageError:
    """The error for a database that does not answer, with what to do."""
    reason = str(error.orig).strip().splitlines()[-1].strip() if error.orig else "no answer"
    return StorageError(
        f"Cannot reach {mask(url)}: {reason}. "
        "Start it with: docker compose up -d postgres, or leave --storage and AUTOML_STORAGE out for the embedded one."
    )
