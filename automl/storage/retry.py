"""Calls that are repeated while the database is away. Optuna is not imported here, so that commands start fast."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, PendingRollbackError

from automl.errors import AutomlError, StorageError
from automl.storage.answers.waiting import trying
from automl.storage.refusals import trouble_of

Result = TypeVar("Result")
AWAY = (OperationalError, InterfaceError, InternalError)
"""What SQLAlchemy raises when the database does not answer; the last one too, of a session that stood still (25P03)."""
TRY_SHARE = 0.1
"""At most this share of the time goes into tries that get no answer."""
PAUSE_SLICE_SECONDS = 0.5
LOST_CONNECTION = (*AWAY, PendingRollbackError)
"""PendingRollbackError belongs here: Optuna's reads swallow the first error and then ask a broken session again."""


def reason_of(error: BaseException) -> str:
    """What the driver says first."""
    driver = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None)
    said = str(driver or error).strip().splitlines()
    return said[0].strip() if said else "no answer"


class OutageRetry:
    """Repeats calls; knows since when the database is away, and for how long that is bearable."""

    def __init__(
        self,
        *,
        outage_seconds: float,
        shutdown_requested: Callable[[], bool] = lambda: False,
        warn: Callable[[str], None],
        forget_session: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Give up after `outage_seconds` without an answer, or when `shutdown_requested` says so.

        `warn` gets one line when an outage is noticed and one at its end. `forget_session` throws this thread's session
        away, before each attempt after a failed one.
        """
        self.forget_session = forget_session
        self.shutdown_requested = shutdown_requested
        self._outage_seconds = outage_seconds
        self._warn = warn
        self._clock = clock
        self._sleep = sleep
        self._away_since: float | None = None
        self._missed_since: float | None = None
        """When a thread that does not wait for the database, as the heartbeat, was the first to miss it."""
        self._next_try_at = 0.0

    def retry_until_available(self, call: Callable[[], Result]) -> Result:
        """Result of `call`, which must be safe to repeat, through restarts and outages.

        Raises: StorageError after `outage_seconds` without a database, or when told to end meanwhile.
        """
        while True:
            try:
                result = call()
            except Exception as error:
                if not _is_outage(error):
                    raise
                # Grows to 5 s; the random half keeps many workers from knocking at the same moment.
                longest = min(5.0, 0.1 + self._note_outage(error) / 2)
                self._pause(longest * (0.5 + random.random() / 2))  # noqa: S311 - no secret depends on it
            else:
                self._note_answer()
                return result

    def try_once(self, call: Callable[[], object]) -> bool:
        """Try `call`, which must be safe to repeat, once; False if the database is away, so that work can go on.

        After a try that waited in vain the next one comes when ten times as long has passed, unless the database was
        heard of meanwhile: most of the time goes into the work.

        Raises: StorageError after `outage_seconds` without a database, or when told to end meanwhile.
        """
        began = self._clock()
        if self._away_since is not None and began < self._next_try_at and not self.shutdown_requested():
            return False
        try:
            with trying():
                call()
        except Exception as error:
            if not _is_outage(error):
                raise
            self._note_outage(error)
            self._next_try_at = began + (self._clock() - began) / TRY_SHARE
            return False
        self._note_answer()
        return True

    def note_missed(self, error: Exception) -> None:
        """Say that the database does not answer, unless that is said: for a thread that goes on without it."""
        if self._away_since is None and self._missed_since is None:
            self._missed_since = self._clock()
            self._warn(f"The database does not answer ({reason_of(error)}); the work goes on.")

    def note_heard(self) -> None:
        """Say that it is back, if nobody else will; whoever tries now may."""
        self._next_try_at = 0.0
        missed_since, self._missed_since = self._missed_since, None
        if missed_since is not None and self._away_since is None:
            self._warn(f"The database is back after {self._clock() - missed_since:.1f} s.")

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, no longer than until told to end."""
        end = self._clock() + seconds
        while (left := end - self._clock()) > 0 and not self.shutdown_requested():
            self._sleep(min(left, PAUSE_SLICE_SECONDS))

    def _note_outage(self, error: Exception) -> float:
        """Seconds since the database was first missed."""
        self.forget_session()
        if self._away_since is None:
            self._away_since = self._clock()
            self._warn(f"{trouble_of(error)}; trying for {self._outage_seconds:g} s ({reason_of(error)}).")
        away_seconds = self._clock() - self._away_since
        if away_seconds > self._outage_seconds:
            raise StorageError(
                f"The database did not answer for {away_seconds:.0f} s, and AUTOML_OUTAGE_SECONDS is "
                f"{self._outage_seconds:g}: {reason_of(error)}. What was reported is safe there, and other workers "
                "take the trial over when it is back; then start this one again."
            ) from error
        if self.shutdown_requested():
            raise StorageError(
                f"This worker was told to end while the database did not answer: {reason_of(error)}. What was reported "
                "is safe there, and other workers take the trial over when it is back."
            ) from error
        return away_seconds

    def _note_answer(self) -> None:
        if self._away_since is not None:
            self._warn(f"The database is back after {self._clock() - self._away_since:.1f} s.")
            self._away_since = self._missed_since = None


def _is_outage(error: Exception) -> bool:
    """Whether the database did not answer, as SQLAlchemy says it, or as Optuna does with SQLAlchemy's error as cause.

    An error of ours, whatever its cause, says that trying again is of no use.
    """
    if isinstance(error, AutomlError):
        return False
    return isinstance(error, LOST_CONNECTION) or isinstance(error.__cause__, LOST_CONNECTION)
