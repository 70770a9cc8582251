"""How a connection is opened, whatever the environment says: libpq reads PG* variables and service files by itself."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy.engine import make_url

from automl.storage.answers.waiting import AnswerWatch, NoAnswerError, WatchedConnection

DEFAULTS: dict[str, Any] = {
    "connect_timeout": 5,
    # A lost host is noticed within a minute and a half; the kernel's default is over two hours, and with a statement on
    # its way a quarter of an hour.
    "tcp_user_timeout": 90_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
}
"""Where neither the URL nor the user's environment says otherwise."""
VARIABLES = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}
ALWAYS: dict[str, Any] = {"client_encoding": "utf8"}
"""Whatever the URL and the environment say: names of studies are any text."""
_SHIELD = threading.RLock()


def connector(url: str, *, embedded: bool, watch: AnswerWatch | None = None) -> Callable[[], Any]:
    """What opens a connection of psycopg2's to `url`; to the embedded database without any PG* variable of the user's.

    `watch`: how it waits for answers.

    Raises (what it returns): psycopg2's errors.
    """
    parsed = make_url(url)
    arguments, given = parsed.get_dialect()().create_connect_args(parsed)

    def connect() -> Any:
        options = {**_defaults(embedded=embedded), **given, **ALWAYS}
        if not embedded:
            return _first_that_answers(arguments, options, watch or AnswerWatch())
        with without_libpq_variables():
            return _first_that_answers(arguments, options, watch or AnswerWatch())

    return connect


def _first_that_answers(arguments: Any, options: dict[str, Any], watch: AnswerWatch) -> Any:
    """A connection to the hosts of `options`, as libpq tries them; one that does not answer in time is left out."""
    seconds = _connect_seconds(options)

    def factory(dsn: str) -> WatchedConnection:
        return WatchedConnection(dsn, watch=watch, connect_seconds=seconds)

    while True:
        try:
            return psycopg2.connect(*arguments, **options, connection_factory=factory)
        except NoAnswerError as error:
            others = _hosts_after(error, options)
            if watch.is_told_to_end() or not others:
                raise
            options = {**options, **others}


def _hosts_after(error: NoAnswerError, options: dict[str, Any]) -> dict[str, str]:
    """The hosts of a list behind the one that did not answer; empty: there is none."""
    hosts, ports = (str(options.get(name, "")).split(",") for name in ("host", "port"))
    ports = ports * len(hosts) if len(ports) == 1 else ports
    if (
        "hostaddr" in options
        or len(ports) != len(hosts)
        or (error.host, error.port) not in zip(hosts, ports, strict=True)
    ):
        return {}
    position = list(zip(hosts, ports, strict=True)).index((error.host, error.port)) + 1
    return {"host": ",".join(hosts[position:]), "port": ",".join(ports[position:])} if hosts[position:] else {}


def _connect_seconds(options: dict[str, Any]) -> float | None:
    """How long connecting to one host may take; None: for ever, which libpq writes as 0."""
    said = str(options.get("connect_timeout", os.environ.get("PGCONNECT_TIMEOUT", "")))
    seconds = float(said) if re.fullmatch(r"\s*\d+\s*", said) else float(DEFAULTS["connect_timeout"])
    return seconds or None


def _defaults(*, embedded: bool) -> dict[str, Any]:
    # Who waits for a lock of ours is told whose it is.
    ours = {**DEFAULTS, "application_name": f"automl, process {os.getpid()} on {socket.gethostname()}"[:63]}
    return {name: value for name, value in ours.items() if embedded or VARIABLES.get(name, "") not in os.environ}


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
