from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import optuna
import pytest
from optuna.trial import TrialState
from sqlalchemy import text

from automl.errors import LeaseLostError
from automl.queue.claims import Claim, fence, find_held, take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.queue.recovery import GRACE_SECONDS, MAX_ATTEMPTS, recover_lost, requeue, this_host
from automl.results.status import read_status
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, running_trial
from automl.study.record import StudyRecord
from automl.study.stopping import request_stop
from automl.worker.epoch_reports import report_end
from automl.worker.outcomes import Outcome
from tests.studies import MakeStudy

LONG = 10 * GRACE_SECONDS


class Scene:
    """A study with one trial and a way to add workers."""

    def __init__(self, database: Database, storage: FastStorage, record: StudyRecord) -> None:
        self.engine = database.engine
        self.record = record
        self.study = optuna.load_study(study_name=record.name, storage=storage)
        assert enqueue_trial(storage, self.study, [], exhaustive=False)

    def worker(self, *, host: str = "elsewhere", pid: int = 1, silent_seconds: float = 0, ended: bool = False) -> int:
        with self.engine.begin() as connection:
            found = connection.scalar(
                text(
                    """
                    INSERT INTO automl_workers (study_id, ordinal, host, pid, device, beat_at, ended_at)
                    VALUES (:study, 0, :host, :pid, 'cpu', now() - make_interval(secs => :silent),
                            CASE WHEN :ended THEN now() END) RETURNING worker_id
                    """
                ),
                {
                    "study": self.record.study_id,
                    "host": host,
                    "pid": pid,
                    "silent": silent_seconds,
                    "ended": ended,
                },
            )
        assert isinstance(found, int)
        return found

    def take(self, worker_id: int | None = None) -> Claim:
        with self.engine.begin() as connection:
            claim = take_waiting(connection, study_id=self.record.study_id, worker_id=worker_id)
        assert claim is not None
        return claim

    def recover(self, *, reached_seconds: float = LONG, grace_seconds: float = GRACE_SECONDS) -> list[int]:
        with self.engine.begin() as connection:
            return recover_lost(
                connection,
                study_id=self.record.study_id,
                reached_seconds=reached_seconds,
                grace_seconds=grace_seconds,
            )

    def began(self, *, seconds_ago: float) -> None:
        """Let the running trial have begun earlier."""
        with self.engine.begin() as connection:
            connection.execute(
                text("UPDATE trials SET datetime_start = timezone('utc', now()) - make_interval(secs => :seconds)"),
                {"seconds": seconds_ago},
            )

    def complete(self, claim: Claim) -> None:
        """Finish the trial."""
        with self.engine.begin() as connection:
            outcome = Outcome("complete", 0.5)
            report_end(connection, claim, outcome, value=0.5, user_attributes={}, system_attributes={})

    def state(self) -> TrialState:
        return self.study.get_trials()[0].state


@pytest.fixture
def scene(database: Database, storage: FastStorage, make_study: MakeStudy) -> Scene:
    return Scene(database, storage, make_study())


def test_trial_given_back_keeps_number_parameters_and_reports(scene: Scene) -> None:
    claim = scene.take()
    trial = running_trial(scene.study, claim.trial_id)
    drawn = trial.suggest_float("x", 0, 1)
    trial.report(0.5, step=0)
    with fence(scene.engine, claim) as connection:
        requeue(connection, claim.trial_id)
    assert scene.state() == TrialState.WAITING
    again = scene.take()
    assert again == Claim(claim.trial_id, 0, 1)
    resumed = running_trial(scene.study, again.trial_id)
    assert resumed.suggest_float("x", 0, 1) == drawn
    assert scene.study.get_trials()[0].intermediate_values == {0: 0.5}


def test_worker_of_an_older_attempt_can_no_longer_write(scene: Scene) -> None:
    old = scene.take()
    with fence(scene.engine, old) as connection:
        requeue(connection, old.trial_id)
    scene.take()
    message = "Trial 0 was reassigned to another worker (attempt 1)."
    with pytest.raises(LeaseLostError, match=re.escape(message)), fence(scene.engine, old):
        pytest.fail("the fence let an old attempt in")


def test_one_waiting_trial_is_taken_once(scene: Scene) -> None:
    scene.take()
    with scene.engine.begin() as connection:
        assert take_waiting(connection, study_id=scene.record.study_id, worker_id=None) is None


def test_trial_whose_claim_was_committed_and_never_answered_is_found_by_its_worker(scene: Scene) -> None:
    mine, other = scene.worker(), scene.worker()
    with scene.engine.begin() as connection:
        assert find_held(connection, study_id=scene.record.study_id, worker_id=mine) is None
    claim = scene.take(mine)
    with scene.engine.begin() as connection:
        assert find_held(connection, study_id=scene.record.study_id, worker_id=mine) == claim
        assert find_held(connection, study_id=scene.record.study_id, worker_id=other) is None
        requeue(connection, claim.trial_id)
        assert find_held(connection, study_id=scene.record.study_id, worker_id=mine) is None


def test_silent_worker_loses_its_trial_after_the_grace_time(scene: Scene) -> None:
    scene.take(scene.worker(silent_seconds=5))
    assert scene.recover(grace_seconds=0) == [0]  # the server itself started a moment ago
    assert scene.state() == TrialState.WAITING


def test_silence_counts_only_while_the_finder_reached_the_database(scene: Scene) -> None:
    scene.take(scene.worker(silent_seconds=LONG))
    assert scene.recover(reached_seconds=GRACE_SECONDS - 1) == []
    assert scene.state() == TrialState.RUNNING


def test_ended_process_of_this_machine_loses_its_trial_at_once(scene: Scene) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    scene.take(scene.worker(host=this_host(), pid=process.pid))
    assert scene.recover(reached_seconds=0) == [0]


def test_process_number_of_another_machine_means_nothing_here(scene: Scene) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    scene.take(scene.worker(host="elsewhere", pid=process.pid))
    assert scene.recover(reached_seconds=0) == []


def test_trial_that_loses_every_worker_fails_with_the_reason(scene: Scene) -> None:
    for _ in range(MAX_ATTEMPTS):
        scene.take(scene.worker(ended=True))
        assert scene.recover() == [0]
    assert scene.state() == TrialState.FAIL
    with scene.engine.connect() as connection:
        stored = connection.execute(text("SELECT failure, reason FROM automl_trials")).one()
    assert tuple(stored) == (
        "worker lost",
        "its worker vanished 3 times, the last one was process 1 on elsewhere",
    )


def test_trial_that_was_given_back_may_lose_its_worker_as_often_as_any(scene: Scene) -> None:
    for _ in range(MAX_ATTEMPTS):
        claim = scene.take()
        with fence(scene.engine, claim) as connection:
            requeue(connection, claim.trial_id, reason="its worker was told to end")
    scene.take(scene.worker(ended=True))
    assert scene.recover() == [0]
    assert scene.state() == TrialState.WAITING
    with scene.engine.connect() as connection:
        stored = connection.execute(text("SELECT attempt, lost, failure, reason FROM automl_trials")).one()
    assert tuple(stored) == (MAX_ATTEMPTS + 1, 1, "worker lost", "its worker vanished: process 1 on elsewhere")


def test_trial_that_is_finished_cannot_be_given_back(scene: Scene) -> None:
    claim = scene.take(scene.worker())
    scene.complete(claim)
    with fence(scene.engine, claim) as connection:
        requeue(connection, claim.trial_id, reason="the bucket is away")
        stored = connection.execute(text("SELECT attempt, failure, reason FROM automl_trials")).one()
    assert tuple(stored) == (0, None, None)
    assert scene.state() == TrialState.COMPLETE


def test_seconds_of_all_attempts_are_counted_up_to_the_last_sign_of_life(scene: Scene) -> None:
    scene.take(scene.worker(ended=True, silent_seconds=20))
    scene.began(seconds_ago=50)
    scene.recover()
    claim = scene.take(scene.worker())
    assert claim.earlier_seconds == pytest.approx(30, abs=1)
    scene.began(seconds_ago=7)
    for _ in range(2):  # the answer to the first call may be lost
        scene.complete(claim)
    with scene.engine.connect() as connection:
        assert connection.scalar(text("SELECT seconds FROM automl_trials")) == pytest.approx(37, abs=1)
        assert read_status(connection, scene.record).device_seconds == pytest.approx(37, abs=1)


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        (lambda study: study.ask(), TrialState.WAITING),  # our queue's trial, which it takes
        (lambda study: (study.ask(), study.ask()), TrialState.WAITING),
        (lambda study: (study.ask(), study.ask().suggest_float("x", 0, 1)), TrialState.FAIL),
    ],
    ids=["from the queue", "empty", "of another objective"],
)
def test_trial_begun_with_plain_optuna_is_shown_and_taken_over_after_the_grace_time(
    scene: Scene, begin: Callable[[optuna.Study], object], expected: TrialState
) -> None:
    begin(scene.study)
    with scene.engine.connect() as connection:
        shown = read_status(connection, scene.record).running
    numbers = [trial.number for trial in shown]
    assert numbers == list(range(len(scene.study.get_trials())))
    assert all(trial.is_foreign for trial in shown)
    assert scene.recover() == []
    scene.began(seconds_ago=5)
    assert scene.recover(grace_seconds=0) == numbers  # the server itself started a moment ago
    assert scene.study.get_trials()[-1].state == expected
    claim = scene.take(scene.worker())
    assert (claim.number, claim.attempt) == (0, 1)
    scene.complete(claim)
    assert scene.state() == TrialState.COMPLETE


def test_trial_of_plain_optuna_that_sends_heartbeats_is_left_alone(scene: Scene) -> None:
    trial = scene.study.ask()
    scene.began(seconds_ago=LONG)
    with scene.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (:trial, now() + interval '1 hour')"),
            {"trial": trial._trial_id},
        )
    assert scene.recover(grace_seconds=0) == []


def test_device_time_of_a_running_trial_goes_up_to_its_workers_last_heartbeat(scene: Scene) -> None:
    scene.take(scene.worker(silent_seconds=10))
    scene.began(seconds_ago=50)
    with scene.engine.connect() as connection:
        assert read_status(connection, scene.record).device_seconds == pytest.approx(40, abs=1)


@pytest.mark.parametrize(("grace_seconds", "at_work"), [(20, 1), (60, 2)])
def test_workers_that_were_silent_for_the_grace_time_are_not_counted_as_at_work(
    scene: Scene, grace_seconds: float, at_work: int
) -> None:
    for silent_seconds in (5, 40, 100):
        scene.worker(silent_seconds=silent_seconds)
    with scene.engine.begin() as connection:
        status = read_status(connection, scene.record, grace_seconds=grace_seconds)
        assert len(status.workers) == at_work
        assert request_stop(connection, scene.record, grace_seconds=grace_seconds) == at_work
