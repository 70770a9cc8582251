"""Every wait for the database's answer: psycopg2 calls `_wait` instead of blocking in libpq, which hears no signal.

A statement may take as long as it likes while its server answers others: restores and locks take what they take. A
server that answers nobody is away, and the statement fails as if the connection were lost. Of a worker, which repeats
what fails, it also fails soon after the worker was told to end.
"""

from __future__ import annotations

import contextlib
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from psycopg2 import extensions

from automl.storage.answers.lock_holders import describe_holders
from automl.storage.answers.server_probe import SLICE_SECONDS, server_answers

LOOK_SECONDS = 3.0
"""After so long without an answer, and again after as long, the server is asked whether it lives."""
PROBE_SECONDS, PATIENT_PROBE_SECONDS = 1.5, 5.0
"""How long it may take to answer; the second one where a false alarm would end a command."""
QUICK_SECONDS = 0.3
"""The same once it is known to be away, or whoever waits was told to end."""
STOP_SECONDS = 2.0
"""How long the first statement is waited for after whoever waits was told to end."""
LONGEST_SECONDS = 90.0
"""How long a statement that is repeated may take on one connection, whether the server lives or not."""
TRY_SECONDS = 5.0
"""How long a statement may take that is only tried, whether the server lives or not."""
_trying = threading.local()
_installing = threading.Lock()
_users: list[object] = []
"""One for each open database."""


@dataclass
class AnswerWatch:
    """How a process waits for one database; all its connections share what they learn."""

    log: Callable[[str], None] = lambda _: None
    """Gets a line when a statement waits for somebody's lock."""
    is_told_to_end: Callable[[], bool] = lambda: False
    is_repeating: bool = False
    """Whether what fails is repeated: then one probe without an answer is enough, and nothing waits after a stop."""
    is_silent: bool = False
    """Whether the last wait ended without an answer."""
    told_at: float | None = None
    connect: Callable[[], Any] | None = field(default=None, repr=False)
    """Opens a connection of its own, to ask who holds a lock."""

    @property
    def probe_seconds(self) -> float:
        """How long the server may take to answer somebody new."""
        return PROBE_SECONDS if self.is_hasty or self.is_repeating else PATIENT_PROBE_SECONDS

    @property
    def probes(self) -> int:
        """Number of probes in a row without an answer that make a server silent."""
        return 1 if self.is_repeating or self.is_hasty else 3

    @property
    def is_hasty(self) -> bool:
        """Whether there is no use in waiting long."""
        return self.is_silent or self.is_told_to_end()

    def seconds_since_told(self) -> float | None:
        """Time since whoever waits was told to end, as far as any wait has noticed; None: it goes on."""
        if not self.is_told_to_end():
            return None
        if self.told_at is None:
            self.told_at = time.monotonic()
        return time.monotonic() - self.told_at


class NoAnswerError(psycopg2.OperationalError):  # type: ignore[misc]  # psycopg2 has no types
    """The database did not answer, and the connection was given up."""

    host = port = ""
    """Which of several hosts it was."""


class WatchedConnection(extensions.connection):  # type: ignore[misc]
    """A connection whose waits have an end."""

    def __init__(self, dsn: str, *, watch: AnswerWatch, connect_seconds: float | None) -> None:
        """Connect, for at most so long; None: as long as it takes."""
        self.watch, self.connect_seconds, self.is_connecting = watch, connect_seconds, True
        super().__init__(dsn)
        self.is_connecting = False


class _Wait:
    """One wait for an answer."""

    def __init__(self, connection: WatchedConnection) -> None:
        self._connection, self._watch = connection, connection.watch
        self._began = self._looked = time.monotonic()
        self._missed = 0
        self._is_explained = False

    def heard(self) -> None:
        """Begin anew: something came, or went."""
        self._looked = time.monotonic()
        self._missed = 0
        if not self._connection.is_connecting:  # a connection is a few answers, which share its time
            self._began = self._looked

    def check(self) -> None:
        """Look whether to wait on.

        Raises: NoAnswerError if not.
        """
        now = time.monotonic()
        waited = now - self._began
        self._heed_stop(waited)
        if self._connection.is_connecting:
            limit = self._connection.connect_seconds
            if limit is not None and waited > limit:
                self._give_up(f"no answer to a new connection within {limit:g} s")
        elif getattr(_trying, "is_on", False) and waited > TRY_SECONDS:
            self._give_up(f"no answer within {waited:.0f} s")
        elif self._watch.is_repeating and waited > LONGEST_SECONDS:
            self._give_up(f"no answer within {waited:.0f} s, though the server answers others")
        elif now - self._looked > (QUICK_SECONDS if self._watch.is_hasty else LOOK_SECONDS):
            self._look(waited)

    def _heed_stop(self, waited: float) -> None:
        told = self._watch.seconds_since_told()
        if told is None or not (self._watch.is_repeating or self._connection.is_connecting):
            return
        if min(waited, told) > (QUICK_SECONDS if self._watch.is_silent else STOP_SECONDS):
            self._give_up(f"no answer within {waited:.1f} s")

    def _look(self, waited: float) -> None:
        is_given_up = self._watch.is_told_to_end if self._watch.is_repeating else lambda: False
        seconds = self._watch.probe_seconds
        if server_answers(self._connection.fileno(), seconds=seconds, is_given_up=is_given_up):
            self._missed = 0
            self._explain()
        else:
            self._missed += 1
            if self._missed >= self._watch.probes and not _is_ready(self._connection, extensions.POLL_READ, 0):
                self._give_up(f"no answer for {waited + seconds:.0f} s, nor to a new connection")
        self._looked = time.monotonic()

    def _explain(self) -> None:
        """Say once whose lock is waited for, if it is a lock; `automl` at the other end is named with its process."""
        if self._is_explained or self._watch.connect is None:
            return
        with contextlib.suppress(psycopg2.Error), contextlib.closing(self._watch.connect()) as beside:
            holders = describe_holders(beside, self._connection.info.backend_pid)
            if holders is not None:
                self._is_explained = True
                self._watch.log(f"Waiting for a lock in the database, held by {holders}.")

    def _give_up(self, why: str) -> None:
        self._watch.is_silent = True
        error = NoAnswerError(why)
        with contextlib.suppress(psycopg2.Error):
            error.host, error.port = self._connection.info.host, str(self._connection.info.port)
        raise error


def _wait(connection: Any) -> None:
    """Wait until an answer is there, in short slices, between which Python hears signals; psycopg2's wait callback."""
    wait = _Wait(connection) if isinstance(connection, WatchedConnection) else None
    while (state := connection.poll()) != extensions.POLL_OK:
        while not _is_ready(connection, state, SLICE_SECONDS):
            if wait is not None:
                wait.check()
        if wait is not None:
            wait.heard()
    if wait is not None:
        connection.watch.is_silent = False


def _is_ready(connection: Any, state: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
    return bool(poll.poll(1000 * seconds))


@contextmanager
def trying() -> Iterator[None]:
    """For the duration of the block, no statement of this thread is waited for long: the caller goes on without it."""
    _trying.is_on = True
    try:
        yield
    finally:
        _trying.is_on = False


@contextmanager
def watched_answers() -> Iterator[None]:
    """For the duration of the block, psycopg2 waits as this module does, unless somebody else has taken that over.

    Not longer: with such a callback it refuses COPY, which the program around us may use.
    """
    user = object()
    with _installing:
        _users.append(user)
        if extensions.get_wait_callback() is None:
            extensions.set_wait_callback(_wait)
    try:
        yield
    finally:
        with _installing:
            _users.remove(user)
            if not _users and extensions.get_wait_callback() is _wait:
                extensions.set_wait_callback(None)
