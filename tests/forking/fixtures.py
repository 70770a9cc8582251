"""Forks for all tests, and new processes for those that ask for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.forking.client import LazyTemplate, start_by

EXECUTE = subprocess.Popen._execute_child  # type: ignore[attr-defined]
"""Python's own start of a process."""


@pytest.fixture(scope="session", autouse=True)
def _forks() -> Iterator[None]:
    """Start every command line of ours as a fork, in all tests.

    A mock of `subprocess.Popen`'s start alone: to import PyTorch costs 4 s of a core, and the suite starts some 700
    processes. `new_processes` is without it. Needs Linux, where a process can adopt; elsewhere all processes are new.
    """
    if sys.platform != "linux":
        yield
        return
    template = LazyTemplate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess.Popen, "_execute_child", start_by(template))
        yield
    template.close()


@pytest.fixture
def new_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All processes of the test are started as people start them, and so are theirs."""
    monkeypatch.setattr(subprocess.Popen, "_execute_child", EXECUTE)
