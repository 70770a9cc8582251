from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import end_unrecorded

ROOM_BYTES = 2**30


def memory_folder() -> str | None:
    """Where fsync costs nothing, if there is room for some clusters; None: the usual place."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > ROOM_BYTES else None


@contextmanager
def folder_for_a_home() -> Iterator[Path]:
    """A place that PostgreSQL's user may enter (pytest's folders are closed to others); no server outlives it."""
    with tempfile.TemporaryDirectory(prefix="automl-test-", dir=memory_folder()) as folder:
        Path(folder).chmod(0o711)
        home = Path(folder).resolve() / "home"
        yield home
        end_unrecorded(home / "postgres")


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home that does not exist yet."""
    with folder_for_a_home() as home:
        yield home


@pytest.fixture(scope="session")
def stopped_home() -> Iterator[Path]:
    """A home with a cluster, for copies: creating one takes half a second of a core."""
    with folder_for_a_home() as home:
        server = EmbeddedPostgres(home)
        server.start()
        server.close()
        yield home


@pytest.fixture
def home(stopped_home: Path, empty_home: Path) -> Path:
    """A home with a cluster of its own, stopped."""
    subprocess.run(["cp", "-a", str(stopped_home), str(empty_home)], check=True)
    return empty_home


@pytest.fixture
def state() -> Iterator[Path]:
    """Stand-in for the state folder of the system, which others may pass."""
    with tempfile.TemporaryDirectory(prefix="automl-state-", dir=memory_folder()) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder).resolve()


@pytest.fixture
def closed_home(home: Path, state: Path) -> Path:
    """A home whose data are elsewhere, as root's below a folder that PostgreSQL's user may not enter."""
    (home / "postgres").rename(state / "data")
    (home / "postgres").symlink_to(state / "data")
    return home
