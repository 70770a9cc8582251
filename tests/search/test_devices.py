"""Cores and GPUs of this machine."""

from __future__ import annotations

import os

import pytest

from automl.search.devices import count_cores, threads_per_worker


def test_workers_share_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "7")  # as a container's quota of seven cores, and found in the same place
    cores = min(7, len(os.sched_getaffinity(0)))
    assert count_cores() == cores
    assert [threads_per_worker(workers) for workers in (1, cores, cores + 1)] == [cores, 1, 1]
