"""A training that does not answer is ended from outside; one that is slow, stopped or asked to compile is not."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from automl.study.granting import Budget
from automl.worker import watchdog
from automl.worker.watchdog import (
    FIRST_TIMES,
    HUNG_SECONDS,
    HUNG_TIMES,
    LIMIT_SECONDS,
    LIMIT_TIMES,
    STOP_SECONDS,
    Cause,
    Silence,
    Watchdog,
)
from tests.worker import hanging_network
from tests.worker.test_deadline import MakeScene, make_scene

__all__ = ["make_scene"]


def seconds_until_end(silence: Silence, asked: Cause | None) -> tuple[Cause, float]:
    """What ends the training, and after how many seconds without a batch."""
    seconds = 0.0
    while (cause := silence.tick(0.5, asked)) is None:
        seconds += 0.5
        assert seconds < 10 * FIRST_TIMES * HUNG_SECONDS
    return cause, seconds + 0.5


@pytest.mark.parametrize(
    ("longest", "asked", "expected"),
    [
        (None, None, ("hung", FIRST_TIMES * HUNG_SECONDS)),
        (0.5, None, ("hung", HUNG_SECONDS)),
        (100.0, None, ("hung", HUNG_TIMES * 100.0)),
        (None, "asked to stop", ("asked to stop", STOP_SECONDS)),
        (100.0, "asked to stop", ("asked to stop", STOP_SECONDS)),
        (None, "out of time", ("out of time", LIMIT_SECONDS)),
        (100.0, "time used up", ("time used up", LIMIT_TIMES * 100.0)),
    ],
)
def test_a_training_gets_a_multiple_of_its_longest_batch(
    longest: float | None, asked: Cause | None, expected: tuple[Cause, float]
) -> None:
    silence = Silence()
    if longest is not None:
        silence.tick(longest, None)
        silence.batches += 1
        silence.tick(0.0, None)
    assert seconds_until_end(silence, asked) == expected


def test_batches_that_go_on_are_waited_for_at_a_limit_and_not_at_a_stop() -> None:
    silence = Silence()
    for _ in range(100):
        silence.batches += 1
        assert silence.tick(1.0, "time used up") is None
    causes = []
    for _ in range(4):
        silence.batches += 1
        causes.append(silence.tick(1.0, "asked to stop"))
    assert causes == [None, None, None, "asked to stop"]


def test_a_process_that_stood_still_did_not_hang() -> None:
    """Its clock jumps by an hour at each look, as after SIGSTOP: a look counts as a second."""
    ended, trial, looks = list[Cause](), Patient(), iter(range(10**6))
    beside = Watchdog(ended.append, print, hung_seconds=60, clock=lambda: 3600.0 * next(looks))
    with beside.watching(trial, attempt=0), beside:
        assert trial.was_asked.wait(60)
    assert ended == []


class Patient:
    """A trial that is asked whether it should end."""

    def __init__(self) -> None:
        self.was_asked = threading.Event()

    def asked_to_end(self) -> Cause | None:
        self.was_asked.set()
        return None

    def end_unanswered(self, cause: Cause, seconds: float) -> None:
        raise AssertionError(f"{cause} after {seconds} s")


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Training that hangs, and little patience with it."""
    monkeypatch.setattr(watchdog, "TICK_SECONDS", 0.1)
    monkeypatch.setattr(watchdog, "STOP_SECONDS", 0.5)
    monkeypatch.setattr(watchdog, "LIMIT_SECONDS", 0.5)
    monkeypatch.setattr(watchdog, "HUNG_TIMES", 3)
    monkeypatch.setattr("tests.worker.test_deadline.PATIENCE_SECONDS", 30.0)
    yield
    hanging_network.MAY_HANG.clear()
    hanging_network.GO_ON.release(100)


@pytest.mark.usefixtures("hanging")
def test_a_trial_that_hangs_fails_is_pruned_or_waits_and_its_worker_goes_on(
    make_scene: MakeScene,
) -> None:
    left: list[Cause] = []
    scene = make_scene(model="tests.worker.hanging_network:build", budget=Budget(trials=9), epochs={"value": 2000})

    def limit_trials(seconds: float | None) -> None:
        with scene.database.engine.begin() as connection:
            connection.execute(text("UPDATE automl_studies SET trial_seconds = :seconds"), {"seconds": seconds})

    def expect(cause: Cause) -> None:
        """Wait until the watchdog has ended the trial that hangs, and end the worker that it left."""
        scene.wait_until(lambda: left == [cause])
        left.clear()
        hanging_network.MAY_HANG.clear()
        hanging_network.HANGING.clear()
        hanging_network.GO_ON.release()
        assert scene.stop() == "asked to stop"

    def start(**options: float) -> None:
        hanging_network.MAY_HANG.set()
        scene.start(leave=left.append, **options)
        scene.wait_until(hanging_network.HANGING.is_set)

    start()
    limit_trials(1)
    expect("out of time")
    limit_trials(None)
    start()
    scene.stop_event.set()
    expect("asked to stop")
    start(hung_seconds=1)
    expect("hung")

    ends = [line for line in scene.log if "not answered" in line]
    assert [re.sub(r"[0-9]+ s\.$", "N s.", line) for line in ends] == [
        "trial 0: pruned, out of time: it reached the limit of 1 s a trial. Its training had not answered for N s.",
        "trial 1: requeued, interrupted: its worker was asked to stop. Its training had not answered for N s.",
        "trial 1: failed, hung: Its training had not answered for N s.",
    ]
    assert [(trial.state, trial.failure) for trial in scene.trials()[:2]] == [
        ("pruned", "out of time"),
        ("failed", "hung"),
    ]
    assert scene.scalars("SELECT count(*) FROM automl_workers WHERE ended_at IS NULL") == [0]
