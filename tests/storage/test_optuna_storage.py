from __future__ import annotations

import re
from contextlib import suppress

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy.exc import OperationalError

from automl.errors import StorageError
from automl.storage.optuna_internals import FastStorage, reported_steps
from automl.storage.optuna_storage import OutageRetry


class Clock:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def lost() -> OperationalError:
    return OperationalError("SELECT 1", {}, ConnectionError("server closed the connection"))


def outage_retry(storage: RDBStorage, clock: Clock, said: list[str], **options: object) -> OutageRetry:
    return OutageRetry(
        forget_session=storage.remove_session,
        outage_seconds=600,
        warn=said.append,
        clock=lambda: clock.now,
        sleep=clock.sleep,
        **options,  # type: ignore[arg-type]
    )


def test_call_is_repeated_until_the_database_is_back(storage: RDBStorage) -> None:
    clock, said, answers = Clock(), list[str](), [lost(), lost(), "done"]

    def call() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert outage_retry(storage, clock, said).retry_until_available(call) == "done"
    assert len(clock.pauses) == 2
    assert said[0] == "The database does not answer; trying for 600 s (server closed the connection)."
    assert re.fullmatch(r"The database is back after \d\.\d s\.", said[1])


def test_worker_gives_up_after_the_outage_time_with_pauses_that_stay_short(storage: RDBStorage) -> None:
    clock = Clock()

    def call() -> None:
        raise lost()

    with pytest.raises(
        StorageError, match=r"did not answer for 60\d s, and AUTOML_OUTAGE_SECONDS is 600: server closed the"
    ):
        outage_retry(storage, clock, []).retry_until_available(call)
    assert max(clock.pauses) <= 5
    assert clock.now < 610


def test_worker_that_is_told_to_end_does_not_wait_for_the_database(storage: RDBStorage) -> None:
    clock = Clock()

    def call() -> None:
        raise lost()

    with pytest.raises(StorageError, match="This worker was told to end while the database did not answer: server "):
        outage_retry(storage, clock, [], shutdown_requested=lambda: clock.now > 3).retry_until_available(call)
    assert clock.now < 10


def test_error_that_is_no_outage_is_raised_at_once(storage: RDBStorage) -> None:
    clock = Clock()

    def call() -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        outage_retry(storage, clock, []).retry_until_available(call)
    assert clock.pauses == []


def test_what_optuna_writes_in_a_transaction_that_fails_is_undone(storage: FastStorage) -> None:
    trial = optuna.create_study(storage=storage).ask()

    def stored() -> dict[int, float]:
        return storage.get_trial(trial._trial_id).intermediate_values

    with suppress(ZeroDivisionError), storage.begin():
        storage.set_trial_intermediate_value(trial._trial_id, 0, 0.5)
        assert stored() == {0: 0.5}  # in the transaction
        raise ZeroDivisionError
    assert (stored(), reported_steps(trial)) == ({}, set())
    with storage.begin():
        storage.set_trial_intermediate_value(trial._trial_id, 0, 0.5)
    assert stored() == {0: 0.5}
