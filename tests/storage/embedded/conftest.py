from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import folder_for_a_home


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home that does not exist yet."""
    with folder_for_a_home() as home:
        yield home
