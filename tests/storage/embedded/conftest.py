from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import folder_for_a_home, memory_folder


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home that does not exist yet."""
    with folder_for_a_home() as home:
        yield home


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
