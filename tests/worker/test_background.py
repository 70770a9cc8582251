"""Jobs behind the training: in order, within their share of the time, and never for longer than they are waited for."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from automl.worker.background import BackgroundJobs


class Clock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


def wait_until_rest(jobs: BackgroundJobs) -> None:
    deadline = time.monotonic() + 60
    while not jobs.resting_seconds():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_jobs_take_their_share_of_the_time_unless_the_worker_is_idle() -> None:
    clock, second = Clock(), threading.Event()
    jobs = BackgroundJobs(share=0.1, clock=clock)
    jobs.put(lambda: clock.advance(100))
    wait_until_rest(jobs)
    assert jobs.resting_seconds() == pytest.approx(900)
    jobs.put(second.set)
    assert not second.is_set()
    jobs.hurry(is_idle=True)
    assert second.wait(60)
    jobs.close(timeout_seconds=60)


def test_what_waits_is_done_in_order_before_the_end() -> None:
    clock, done = Clock(), list[int]()
    jobs = BackgroundJobs(share=0.1, clock=clock)

    def work(number: int) -> None:
        clock.advance(1000)
        done.append(number)

    for number in range(5):
        jobs.put(partial(work, number))
    assert jobs.finish(timeout_seconds=60)
    assert done == [0, 1, 2, 3, 4]


def test_end_does_not_wait_for_a_job_that_hangs_and_drops_the_rest() -> None:
    hanging, done = threading.Event(), list[str]()
    jobs = BackgroundJobs()
    jobs.put(lambda: hanging.wait(60))
    jobs.put(lambda: done.append("after it"))
    jobs.close(timeout_seconds=0.1)
    hanging.set()
    assert jobs.finish(timeout_seconds=60)
    assert done == []


def test_worker_without_jobs_ends_at_once() -> None:
    assert BackgroundJobs().finish(timeout_seconds=0)
