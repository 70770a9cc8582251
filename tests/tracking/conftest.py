"""The process that calls wandb is started here as it is in service; workers of other tests start it as a fork."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _started_as_in_service(new_processes: None) -> None:
    """See `tests.forking.fixtures`."""
