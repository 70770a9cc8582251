"""A server whose connections are all in use, and those that workers leave to commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg2
from sqlalchemy.exc import OperationalError

KEPT_CONNECTIONS = 5
"""Connections of a server that workers do not take: `automl status` and `automl stop` need one each."""
WAIT_SECONDS = 10.0
"""How long a command waits for a connection of a server that has none."""
PAUSE_SECONDS = 0.25
FREE = """
SELECT CAST(current_setting('max_connections') AS int)
     - CAST(current_setting('superuser_reserved_connections') AS int) - sum(numbackends) FROM pg_stat_database
"""
HINT = "A worker uses up to three: end some (automl stop STUDY), or raise the server's max_connections."


def leave_some(cursor: Any) -> None:
    """Check, on a worker's new connection, that enough others are left; pg_stat_database counts without any right.

    Raises: OperationalError of psycopg2's if not; the worker tries again later.
    """
    cursor.execute(FREE)
    (free,) = cursor.fetchone()
    if free < KEPT_CONNECTIONS:
        raise psycopg2.OperationalError(
            f"too many clients: the last {KEPT_CONNECTIONS} connections are kept for commands. {HINT}"
        )


def is_full(error: OperationalError) -> bool:
    """Whether a server had no connection left for this database or role."""
    return any(words in str(error.orig) for words in ("too many c", "remaining connection"))


def await_connection(connect: Callable[[], None], *, seconds: float = WAIT_SECONDS) -> None:
    """Connect, and try again for so long while the server is full.

    Raises: OperationalError as `connect` does.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connect()
        except OperationalError as error:
            if not is_full(error) or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return
