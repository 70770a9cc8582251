"""Homes with a cluster of the embedded PostgreSQL, copied: creating one takes a second of a core and many syncs."""

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
    """A home to be made, which PostgreSQL's user may enter (pytest's folders are closed); no server outlives it."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-", dir=memory_folder()) as folder:
        Path(folder).chmod(0o711)
        home = Path(folder).resolve() / "home"
        yield home
        end_unrecorded(home / "postgres")


@pytest.fixture(scope="session")
def stopped_home() -> Iterator[Path]:
    """A home with a cluster, for copies."""
    with folder_for_a_home() as home:
        server = EmbeddedPostgres(home)
        server.start()
        server.close()
        yield home


@pytest.fixture
def home(stopped_home: Path) -> Iterator[Path]:
    """An AUTOML_HOME of its own, with a stopped cluster and nothing else; the first command has not to create one."""
    with folder_for_a_home() as home:
        subprocess.run(["cp", "-a", str(stopped_home), str(home)], check=True)
        yield home
