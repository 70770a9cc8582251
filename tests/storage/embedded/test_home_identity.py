"""Homes that are moved and copied, with a server at work or without: no data are lost, no other's server is stopped."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.errors import StorageError
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import PID_FILE, end_unrecorded
from tests.storage.embedded.asking import ask


@contextmanager
def started(home: Path, *, state: Path = Path("/nonexistent")) -> Iterator[str]:
    server = EmbeddedPostgres(home, state=state)
    try:
        yield server.start()
    finally:
        server.close()
        end_unrecorded(home / "postgres")


def copied(home: Path) -> Path:
    copy = home.with_name("copy")
    subprocess.run(["cp", "-a", str(home), str(copy)], check=True)
    return copy


def mark(url: str) -> None:
    ask(url, "CREATE TABLE kept AS SELECT 7 AS value")


def marked(url: str) -> bool:
    return ask(url, "SELECT to_regclass('kept')") != [(None,)]


def test_new_home_takes_nothing_from_the_one_that_was_moved_away(closed_home: Path, state: Path) -> None:
    """`mv .automl .automl.january; automl search`, as root in a closed folder."""
    with started(closed_home) as url:
        mark(url)
    january = closed_home.rename(closed_home.with_name("january"))
    closed_home.parent.chmod(0o700)
    with started(closed_home, state=state) as url:
        assert not marked(url)
    with started(january) as url:
        assert marked(url)


def test_copied_link_is_refused_and_the_server_it_leads_to_stays(closed_home: Path) -> None:
    with started(closed_home) as url:
        mark(url)
        copy = copied(closed_home)
        said = (
            f"{copy} is a copy, and a copy has no database of its own: {copy / 'postgres'} links to "
            f"{(copy / 'postgres').readlink()}, the database of the home {closed_home}. Work there, or carry"
        )
        with pytest.raises(StorageError, match=re.escape(said)):
            EmbeddedPostgres(copy).start()
        assert marked(url)
        shutil.rmtree(closed_home)
        with pytest.raises(StorageError, match=re.escape(f"of a home that was at {closed_home}, and its server runs")):
            EmbeddedPostgres(copy).start()
        assert marked(url)
    with started(copy) as url:  # moved across file systems: the original is gone and nobody works with its data
        assert marked(url)


def test_home_that_another_machine_sent_says_that_its_data_are_missing(closed_home: Path, state: Path) -> None:
    shutil.rmtree(state / "data")
    said = f"{closed_home / 'postgres'} links to {state / 'data'}, the database of this home, and that is not there."
    with pytest.raises(StorageError, match=re.escape(said)):
        EmbeddedPostgres(closed_home).start()
    assert (closed_home / "postgres").is_symlink()


def test_copy_of_a_running_home_says_that_it_may_not_be_whole(home: Path) -> None:
    with started(home) as url:
        mark(url)
        ask(url, "CHECKPOINT")
        copy = copied(home)
        with pytest.raises(
            StorageError, match=re.escape(f"{copy} is a copy of the home {home}, made while its database")
        ):
            EmbeddedPostgres(copy).start()
        assert marked(url)
        (copy / "postgres" / PID_FILE).unlink()
        with started(copy) as other:
            assert marked(other)
            ask(other, "DROP TABLE kept")
        assert marked(url)


def test_copy_of_a_stopped_home_is_a_home_of_its_own(home: Path) -> None:
    copy = copied(home)
    with started(home) as url, started(copy) as other:
        mark(url)
        assert not marked(other)


def test_moved_home_keeps_its_data_and_its_search(home: Path) -> None:
    working = EmbeddedPostgres(home)
    mark(working.start())
    january = home.rename(home.with_name("january"))
    with pytest.raises(
        StorageError, match=re.escape(f"The home that was {home} is {january} now, and a command still")
    ):
        EmbeddedPostgres(home).start()
    with started(january) as url:  # its first user goes on
        assert marked(url)
    with pytest.raises(StorageError, match=re.escape(f"The home {home} was moved or deleted while this command")):
        working.start()
    with started(january) as url:
        assert marked(url)


def test_data_that_were_moved_away_and_back_keep_their_password(home: Path) -> None:
    (home / "postgres.password").write_text("of the database that was made meanwhile")
    with started(home) as url:
        assert ask(url, "SELECT 1") == [(1,)]
