"""Optuna's storage on our database, and calls that ride out the database's restarts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import InterfaceError, OperationalError, PendingRollbackError

from automl.errors import StorageError
from automl.search.database import ENGINE_OPTIONS, Database
from automl.settings import mask

Result = TypeVar("Result")
OUTAGE_SECONDS = 600.0
LOST_CONNECTION = (OperationalError, InterfaceError, PendingRollbackError, StorageInternalError)
"""PendingRollbackError belongs here: Optuna's reads swallow the first error and then ask a broken session again."""
optuna.logging.set_verbosity(optuna.logging.WARNING)


def open_storage(database: Database) -> RDBStorage:
    """Optuna's view of the database; its tables exist already (`schema.create_schema`)."""
    return RDBStorage(database.url, engine_kwargs=dict(ENGINE_OPTIONS), skip_table_creation=True)


class Connectivity:
    """Repeats calls for as long as the database may be away."""

    def __init__(
        self,
        storage: RDBStorage,
        *,
        outage_seconds: float = OUTAGE_SECONDS,
        told_to_end: Callable[[], bool] = lambda: False,
        warn: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Give up after `outage_seconds` without an answer, or when `told_to_end` says so.

        `warn` gets one line when an outage is noticed and one at its end.
        """
        self._storage = storage
        self._told_to_end = told_to_end
        self._outage_seconds = outage_seconds
        self._warn = warn
        self._clock = clock
        self._sleep = sleep

    def ride_out(self, call: Callable[[], Result]) -> Result:
        """Result of `call`, which must be safe to repeat, through restarts and outages.

        Raises: StorageError after `outage_seconds` without a database, or when told to end meanwhile.
        """
        began: float | None = None
        while True:
            try:
                result = call()
            except LOST_CONNECTION as error:
                self._storage.remove_session()
                if began is None:
                    began = self._clock()
                    self._warn(f"The database does not answer; trying for {self._outage_seconds:g} s.")
                self._wait(self._clock() - began, error)
            else:
                if began is not None:
                    self._warn(f"The database is back after {self._clock() - began:.1f} s.")
                return result

    def _wait(self, away_seconds: float, error: Exception) -> None:
        if away_seconds > self._outage_seconds or self._told_to_end():
            raise StorageError(
                f"{mask(self._storage.url)} did not answer for {away_seconds:.0f} s. "
                "What was reported is safe there, and other workers take the trial over when it is back; "
                "then start this one again."
            ) from error
        # Grows to 5 s; the random half keeps many workers from knocking at the same moment.
        longest = min(5.0, 0.1 + away_seconds / 2)
        self._sleep(longest * (0.5 + random.random() / 2))  # noqa: S311 - no secret depends on it
