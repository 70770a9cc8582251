from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl.search.embedded.postmaster import end_unrecorded


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that PostgreSQL's user may enter (pytest's folders are closed to others); no server outlives the test."""
    with tempfile.TemporaryDirectory(prefix="automl-test-") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder).resolve() / "home"
        yield home
        end_unrecorded(home / "postgres")
