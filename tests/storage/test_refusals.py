from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from automl.errors import StorageError
from automl.storage.database import open_database
from automl.storage.embedded import EmbeddedPostgres, cluster
from automl.storage.refusals import DISK_FULL, STANDBY
from automl.storage.retry import OutageRetry
from tests.storage.embedded.conftest import empty_home

__all__ = ["empty_home"]

NO_SPACE = 'could not extend file "base/5/2619": No space left on device'
FULL = f"DO $$ BEGIN RAISE '{NO_SPACE}' USING ERRCODE = 'disk_full'; END $$"
"""PostgreSQL's own error, without a disk to fill."""


def test_full_disk_is_no_database_that_cannot_be_reached(postgres_url: str, tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match=re.escape(f"refuses this: {NO_SPACE}. {DISK_FULL}")),
        open_database(postgres_url, home=tmp_path) as database,
        database.engine.begin() as connection,
    ):
        connection.execute(text(FULL))


def test_worker_that_waits_for_a_full_disk_says_so(postgres_url: str, tmp_path: Path) -> None:
    said = list[str]()
    retry = OutageRetry(outage_seconds=9, warn=said.append)
    with open_database(postgres_url, home=tmp_path) as database:

        def fill() -> None:
            with database.engine.begin() as connection:
                connection.execute(text(FULL))

        assert not retry.try_once(fill)
    assert said == [f"The disk of the database is full; trying for 9 s ({NO_SPACE})."]


def test_standby_is_called_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cluster.SETTINGS, "wal_level", "replica")  # what a primary with standbys has
    server = EmbeddedPostgres(home)
    server.start()
    server.close()
    (home / "postgres" / "standby.signal").touch()
    said = list[str]()

    def work() -> None:
        with open_database(server.start(), home=home) as database:

            def write() -> None:
                with database.engine.begin() as connection:
                    connection.execute(text("CREATE TABLE written (at timestamptz)"))

            assert not OutageRetry(outage_seconds=9, warn=said.append).try_once(write)
            write()

    try:
        with pytest.raises(StorageError, match=re.escape(f"in a read-only transaction. {STANDBY}")):
            work()
        assert said[0].startswith("The database only reads, as a standby does; trying for 9 s (cannot execute")
    finally:
        server.close()
