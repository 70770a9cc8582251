import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from automl.tracking.wandb_event_queue import MOST_EVENTS, EventQueue

PATIENCE_SECONDS = 60


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def event_queue(tmp_path: Path, warnings: list[str]) -> Iterator[EventQueue]:
    event_queue = EventQueue(folder=tmp_path, mode="offline", environment=os.environ, warn=warnings.append)
    yield event_queue
    event_queue.close(timeout_seconds=PATIENCE_SECONDS)


def process_of(event_queue: EventQueue) -> psutil.Process:
    return psutil.Process(event_queue._process.pid)


def test_frozen_process_costs_the_worker_neither_time_nor_memory(event_queue: EventQueue, warnings: list[str]) -> None:
    process_of(event_queue).send_signal(signal.SIGSTOP)
    event = {"event": "log", "metrics": {"text": "x" * 500}}
    started = time.monotonic()
    for _ in range(3 * MOST_EVENTS):
        event_queue.send(event)
    assert time.monotonic() - started < 5  # 0.1 s on two idle cores; a write that waits would take for ever
    assert event_queue._events.qsize() <= MOST_EVENTS
    assert warnings == [f"wandb is {MOST_EVENTS} events behind: this worker's trials go on without it."]

    closing = time.monotonic()
    event_queue.close(timeout_seconds=0.5)
    assert time.monotonic() - closing < 5
    assert not psutil.pid_exists(event_queue._process.pid)


def test_ctrl_c_in_the_worker_s_terminal_does_not_reach_the_process(event_queue: EventQueue) -> None:
    assert os.getpgid(event_queue._process.pid) != os.getpgid(0)
    assert os.getsid(event_queue._process.pid) != os.getsid(0)


def test_closing_twice_is_harmless(event_queue: EventQueue, warnings: list[str]) -> None:
    event_queue.close(timeout_seconds=PATIENCE_SECONDS)
    event_queue.close(timeout_seconds=PATIENCE_SECONDS)
    event_queue.send({"event": "log", "metrics": {}})
    assert warnings == []
