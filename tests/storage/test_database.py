from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from automl.errors import StorageError
from automl.storage.database import AWAY, Database, open_database

LOCK = text("SELECT pg_advisory_xact_lock(7)")


def test_locks_of_a_worker_that_stands_still_in_a_transaction_are_free_soon(
    postgres_url: str, database: Database, tmp_path: Path
) -> None:
    with open_database(postgres_url, home=tmp_path, still_seconds=0.3) as still, still.engine.connect() as stopped:
        stopped.execute(LOCK)
        with database.engine.begin() as other:
            other.execute(LOCK)  # waits until it is free
        with pytest.raises(AWAY):
            stopped.execute(LOCK)


class Impatient:
    """Tries a call twice and keeps what it raised."""

    def __init__(self) -> None:
        self.raised: list[OperationalError] = []

    def retry_until_available(self, call):  # type: ignore[no-untyped-def]
        for _ in range(2):
            try:
                return call()
            except OperationalError as error:
                self.raised.append(error)
        raise StorageError("it gave up")


def test_worker_waits_for_a_database_that_nobody_listens_at(tmp_path: Path) -> None:
    impatient, url = Impatient(), "postgresql://automl:secret@127.0.0.1:9/automl"
    with pytest.raises(StorageError, match="it gave up"), open_database(url, home=tmp_path, patience=impatient):
        pytest.fail("it opened")
    assert len(impatient.raised) == 2


def test_worker_does_not_wait_for_a_server_that_refuses_it_for_good(postgres_url: str, tmp_path: Path) -> None:
    impatient = Impatient()
    wrong = postgres_url.replace("/test_", "/no_")
    with pytest.raises(StorageError, match="does not exist"), open_database(wrong, home=tmp_path, patience=impatient):
        pytest.fail("it opened")
    assert impatient.raised == []
