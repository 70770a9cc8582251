"""How a connection is opened, whatever the environment says: libpq reads PG* variables and service files by itself."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

DEFAULTS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "automl",
    # A lost host is noticed within a minute and a half; the kernel's default is over two hours.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
"""Where neither the URL nor the user's environment says otherwise."""
VARIABLES = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}
ALWAYS: dict[str, Any] = {"client_encoding": "utf8"}
"""Whatever the URL and the environment say: names of studies are any text."""
_SHIELD = threading.RLock()


def connector(url: str, *, embedded: bool) -> Callable[[], Any]:
    """What opens a connection of psycopg2's to `url`; to the embedded database without any PG* variable of the user's.

    Raises (what it returns): psycopg2's errors.
    """
    parsed = make_url(url)
    arguments, given = parsed.get_dialect()().create_connect_args(parsed)

    def connect() -> Any:
        options = {**_defaults(embedded=embedded), **given, **ALWAYS}
        if not embedded:
            return psycopg2.connect(*arguments, **options)
        with without_libpq_variables():
            return psycopg2.connect(*arguments, **options)

    return connect


def _defaults(*, embedded: bool) -> dict[str, Any]:
    return {name: value for name, value in DEFAULTS.items() if embedded or VARIABLES.get(name, "") not in os.environ}


def is_libpq_variable(name: str) -> bool:
    """Whether libpq of this or a later version may read it: no list would stay complete. PGDATA is of servers."""
    return re.fullmatch("PG[A-Z][A-Z_]*", name) is not None and name != "PGDATA"


@contextmanager
def without_libpq_variables() -> Iterator[None]:
    """For the duration of the block, which opens a connection, this process has no variable that libpq reads.

    A few of them, such as PGSERVICE and PGTZ, no argument of a connection overrides.
    """
    with _SHIELD:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if is_libpq_variable(name)}
        try:
            yield
        finally:
            os.environ.update(hidden)
