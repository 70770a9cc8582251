from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import end_unrecorded


@contextmanager
def folder_for_a_home() -> Iterator[Path]:
    """A place that PostgreSQL's user may enter (pytest's folders are closed to others); no server outlives it."""
    with tempfile.TemporaryDirectory(prefix="automl-test-") as folder:
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
