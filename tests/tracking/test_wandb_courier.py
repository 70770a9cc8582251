import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from automl.tracking.wandb_courier import MOST_EVENTS, Courier

PATIENCE_SECONDS = 60


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def courier(tmp_path: Path, warnings: list[str]) -> Iterator[Courier]:
    courier = Courier(folder=tmp_path, mode="offline", environment=os.environ, warn=warnings.append)
    yield courier
    courier.close(timeout_seconds=PATIENCE_SECONDS)


def process_of(courier: Courier) -> psutil.Process:
    return psutil.Process(courier._process.pid)


def test_frozen_process_costs_the_worker_neither_time_nor_memory(courier: Courier, warnings: list[str]) -> None:
    process_of(courier).send_signal(signal.SIGSTOP)
    event = {"event": "log", "metrics": {"text": "x" * 500}}
    started = time.monotonic()
    for _ in range(3 * MOST_EVENTS):
        courier.send(event)
    assert time.monotonic() - started < 5  # 0.1 s on two idle cores; a write that waits would take for ever
    assert courier._events.qsize() <= MOST_EVENTS
    assert warnings == [f"wandb is {MOST_EVENTS} events behind: this worker's trials go on without it."]

    closing = time.monotonic()
    courier.close(timeout_seconds=0.5)
    assert time.monotonic() - closing < 5
    assert not psutil.pid_exists(courier._process.pid)


def test_ctrl_c_in_the_worker_s_terminal_does_not_reach_the_process(courier: Courier) -> None:
    assert os.getpgid(courier._process.pid) != os.getpgid(0)
    assert os.getsid(courier._process.pid) != os.getsid(0)


def test_closing_twice_is_harmless(courier: Courier, warnings: list[str]) -> None:
    courier.close(timeout_seconds=PATIENCE_SECONDS)
    courier.close(timeout_seconds=PATIENCE_SECONDS)
    courier.send({"event": "log", "metrics": {}})
    assert warnings == []
