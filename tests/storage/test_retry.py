from __future__ import annotations

import re

import optuna
import pytest
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import OperationalError

from automl.errors import StorageError
from automl.storage.optuna_internals import FastStorage
from automl.storage.retry import OutageRetry


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


def test_outage_inside_a_call_of_optuna_is_ridden_out(storage: FastStorage) -> None:
    clock, said = Clock(), list[str]()
    study = optuna.create_study(storage=storage)
    answers = [lost(), None]

    def call() -> float:
        with storage.begin() as connection:
            if answers.pop(0) is not None:
                connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
            study.set_user_attr("answered", True)
        return 1.0

    assert outage_retry(storage, clock, said).retry_until_available(call) == 1.0
    assert len(clock.pauses) == 1


def test_mistake_inside_a_call_of_optuna_is_raised_at_once(storage: FastStorage) -> None:
    clock = Clock()
    study = optuna.create_study(storage=storage)

    def call() -> None:
        study.set_user_attr("n" * 600, 1)  # longer than the column

    with pytest.raises(StorageInternalError):
        outage_retry(storage, clock, []).retry_until_available(call)
    assert clock.pauses == []
