"""Any history of claims, reports, ends, silences and recoveries, on the real database and on `queue_model` alike.

Each step is one transaction of a worker's. After each, every trial in the database has to stand as the model has it:
state, attempt, lost workers, holder, how often each epoch was reported, the value, and who wrote last under the fence.
A claim that was lost stays usable: its worker was stopped, and goes on at any later time.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import optuna
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.sql.elements import TextClause

from automl.errors import LeaseLostError
from automl.metrics import EpochResult
from automl.queue.budget import BEAT_GAP_SECONDS, budget_status, count_active_seconds
from automl.queue.claims import Claim, fence, find_held, take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.queue.recovery import recover_lost, requeue, this_host
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, engine_of, study_id_of
from automl.storage.optuna_storage import open_storage
from automl.worker.epoch_reports import STATES, report_end, report_epoch
from automl.worker.outcomes import Outcome, State
from tests.queue.queue_model import ModelTrial, QueueModel

LONG = 3600.0
MOST_WORKERS, MOST_TRIALS, MOST_EPOCHS, STEPS = 3, 4, 2, 30
MARK = "written-by"
VANISH = {
    "ends": "ended_at = now()",
    "is killed": "host = :host, pid = :pid",
    "stands still": "beat_at = now() - interval '1 hour'",
}
THEN = ("unseen", "found", "replaced", "writes late")
NAMES = itertools.count()
TRIALS = text(
    """
    SELECT CAST(state AS text) AS state, coalesce(attempt, 0) AS attempt, coalesce(lost, 0) AS lost, worker_id,
           ARRAY(SELECT epoch FROM automl_epochs AS e WHERE e.trial_id = trials.trial_id ORDER BY epoch) AS epochs,
           ARRAY(SELECT round(seconds) FROM automl_epochs AS e WHERE e.trial_id = trials.trial_id ORDER BY epoch)
           AS times,
           ARRAY(SELECT step FROM trial_intermediate_values AS v WHERE v.trial_id = trials.trial_id ORDER BY step)
           AS steps,
           (SELECT value FROM trial_values AS v WHERE v.trial_id = trials.trial_id) AS value,
           (SELECT value_json FROM trial_user_attributes AS a WHERE a.trial_id = trials.trial_id AND key = :mark)
    FROM trials LEFT JOIN automl_trials USING (trial_id) WHERE study_id = :study ORDER BY number
    """
)


@cache
def dead_pid() -> int:
    """Number of a process of this machine that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def epoch_result(epoch: int) -> EpochResult:
    """One epoch of a second."""
    figures = dict.fromkeys(EpochResult.__dataclass_fields__, 0.5) | {"seconds": 1.0}
    return EpochResult(**figures | {"epoch": epoch})  # type: ignore[arg-type]


class ClaimsMachine(RuleBasedStateMachine):
    """One study of a few trials, and workers whose answers, processes and heartbeats may be lost."""

    def __init__(self, storage: FastStorage) -> None:
        super().__init__()
        self.engine, self.storage = engine_of(storage), storage
        self.workers: dict[int, Claim | None] = {}
        """What each worker that lives believes it holds."""
        self.silent: dict[int, Claim | None] = {}
        """The same of those that stand still, and may go on."""
        self.gone: set[int] = set()
        self.late: list[Claim] = []
        """Claims whose worker was given up, and which may still be used once."""
        self.only: Claim | None = None
        """The claim that the next write is for; None: any."""
        self.counted_seconds = 0.0

    @initialize(budget=st.integers(1, 3))
    def begin(self, budget: int) -> None:
        self.model, self.began = QueueModel(budget), time.monotonic()
        self.study = optuna.create_study(storage=self.storage, study_name=f"study-{next(NAMES)}", direction="maximize")
        self.study_id = study_id_of(self.study)
        self._run("INSERT INTO automl_studies (study_id, budget_trials) VALUES (:study, :budget)", budget=budget)

    # Workers come and go

    def join(self) -> int:
        (row,) = self._run(
            "INSERT INTO automl_workers (study_id, ordinal, host, pid, device) VALUES (:study, 0, 'away', 1, 'cpu')"
            " RETURNING worker_id"
        )
        self.workers[row.worker_id] = None
        return int(row.worker_id)

    @precondition(lambda self: self._idle() or len(self.workers) < MOST_WORKERS)
    @rule(data=st.data(), is_answered=st.sampled_from((True, True, True, False)))
    def ask(self, data: st.DataObject, is_answered: bool) -> None:
        """As Worker._next_claim, of a newcomer if nobody is idle; without an answer it does not know of its claim."""
        worker = data.draw(st.sampled_from(self._idle())) if self._idle() else self.join()
        claim, expected = self._next_claim(worker), self.model.ask(worker)
        assert (claim.number if claim else None) == expected
        if claim is not None:
            assert claim.attempt == self.model.trials[claim.number].attempt
            self.workers[worker] = claim if is_answered else None

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), how=st.sampled_from(tuple(VANISH)), then=st.sampled_from(THEN))
    def vanish(self, data: st.DataObject, how: str, then: str) -> None:
        """A worker ends, is killed, or stands still; what it sent before may still arrive. Another one may find it."""
        worker = data.draw(st.sampled_from(self._busy() or sorted(self.workers)))
        statement = f"UPDATE automl_workers SET {VANISH[how]} WHERE worker_id = :worker"
        self._run(statement, worker=worker, host=this_host(), pid=dead_pid())
        claim = self.workers.pop(worker)
        if how == "stands still":
            self.silent[worker] = claim
        else:
            self.gone.add(worker)
            self.late += [claim] if claim else []
        if then != "unseen":
            self.recover(is_reached=True)
        if then in ("replaced", "writes late"):
            self.ask(data, is_answered=True)
        if then == "writes late" and claim is not None:
            self._write_late(data, claim)

    def _write_late(self, data: st.DataObject, claim: Claim) -> None:
        self.only = claim
        match data.draw(st.sampled_from(("report", "write", "end", "hand back"))):
            case "report":
                self.report(data, epoch=0)
            case "write":
                self.write(data)
            case "end":
                self.end(data, state="complete", times=1)
            case _:
                self.hand_back(data)
        self.only = None

    @precondition(lambda self: self.silent)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """One that stood still goes on, whether it was found or not."""
        worker = data.draw(st.sampled_from(sorted(self.silent)))
        self.workers[worker] = self.silent.pop(worker)

    @precondition(lambda self: self.silent or self.gone)
    @rule(is_reached=st.booleans())
    def recover(self, is_reached: bool) -> None:
        """What every heartbeat does; silence counts only for one that reached the database all the time."""
        with self.engine.begin() as connection:
            # Those that live beat in this very moment, so that a grace time of 0 tells them from the silent.
            beat = text("UPDATE automl_workers SET beat_at = now() WHERE worker_id = ANY(:alive)")
            connection.execute(beat, {"alive": list(self.workers)})
            reached_seconds = LONG if is_reached else 0.0
            found = recover_lost(connection, study_id=self.study_id, reached_seconds=reached_seconds, grace_seconds=0.0)
        assert sorted(found) == self.model.recover(self.gone | set(self.silent if is_reached else ()))

    # What a worker does with its claim, or with one that it has lost

    @precondition(lambda self: self._claims())
    @rule(data=st.data(), epoch=st.integers(0, MOST_EPOCHS - 1))
    def report(self, data: st.DataObject, epoch: int) -> None:
        claim = data.draw(st.sampled_from(self._claims()))
        is_news = not self.model.trials[claim.number].epochs[epoch]
        accepted = self.model.report(claim.number, claim.attempt, epoch)
        with self._held(claim, expected=accepted), self.engine.begin() as connection:
            report_epoch(connection, claim, epoch_result(epoch), 0.5, is_news=is_news)

    @precondition(lambda self: self._claims())
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self._claims()))
        accepted = self.model.write(claim.number, claim.attempt)
        with self._held(claim, expected=accepted), fence(self.storage, claim):
            self.storage.set_trial_user_attr(claim.trial_id, MARK, claim.attempt)

    @precondition(lambda self: self._claims())
    @rule(data=st.data(), state=st.sampled_from(("complete", "pruned", "failed")), times=st.integers(1, 2))
    def end(self, data: st.DataObject, state: State, times: int) -> None:
        """Twice: the answer to the first call was lost."""
        claim = data.draw(st.sampled_from(self._claims()))
        value = None if state == "failed" else float(claim.attempt)
        with self._held(claim, expected=self.model.end(claim.number, claim.attempt, STATES[state], value)):
            for _ in range(times):
                with self.engine.begin() as connection:
                    outcome = Outcome(state, value)
                    report_end(connection, claim, outcome, value=value, user_attributes={}, system_attributes={})
        self._let_go(claim)

    @precondition(lambda self: self._claims())
    @rule(data=st.data())
    def hand_back(self, data: st.DataObject) -> None:
        claim = data.draw(st.sampled_from(self._claims()))
        accepted = self.model.requeue(claim.number, claim.attempt)
        with self._held(claim, expected=accepted), fence(self.engine, claim) as connection:
            requeue(connection, claim.trial_id)
        self._let_go(claim)

    # Budget

    @rule(seconds=st.sampled_from((1.0, BEAT_GAP_SECONDS - 5, BEAT_GAP_SECONDS + 1, LONG)), more=st.integers(0, 1))
    def pass_time(self, seconds: float, more: int) -> None:
        """The budget is raised, then a pause, then a heartbeat: only a short pause was a time of work."""
        self.model.budget = min(self.model.budget + more, MOST_TRIALS)
        self._run("UPDATE automl_studies SET budget_trials = :budget WHERE study_id = :study", budget=self.model.budget)
        with self.engine.begin() as connection:
            past = "active_at = clock_timestamp() - make_interval(secs => :seconds)"
            statement = text(f"UPDATE automl_studies SET {past} WHERE study_id = :study")
            connection.execute(statement, {"seconds": seconds, "study": self.study_id})
            count_active_seconds(connection, self.study_id)
        self.counted_seconds += seconds if seconds < BEAT_GAP_SECONDS else 0.0

    # What always holds

    @invariant()
    def database_stands_as_the_model(self) -> None:
        with self.engine.connect() as connection:
            rows = connection.execute(TRIALS, {"mark": MARK, "study": self.study_id}).all()
            now = budget_status(connection, self.study_id)
        assert [tuple(row) for row in rows] == [as_row(trial) for trial in self.model.trials]
        assert now.trials == len(self.model.trials) <= self.model.budget
        assert now.finished == sum(len(trial.finished_by) for trial in self.model.trials)
        elapsed = time.monotonic() - self.began
        assert self.counted_seconds - 0.01 <= now.active_seconds <= self.counted_seconds + elapsed

    def teardown(self) -> None:
        """Whatever happened, one fresh worker finishes exactly the budget, each trial by one attempt."""
        if not hasattr(self, "model"):
            return
        self.silent |= self.workers
        self.workers.clear()
        self.recover(is_reached=True)
        worker = self.join()
        while (claim := self._next_claim(worker)) is not None:
            assert claim.number == self.model.ask(worker)
            self.model.end(claim.number, claim.attempt, "COMPLETE", 1.0)
            with self.engine.begin() as connection:
                outcome = Outcome("complete", 1.0)
                report_end(connection, claim, outcome, value=1.0, user_attributes={}, system_attributes={})
        self.model.ask(worker)
        self.database_stands_as_the_model()
        assert self.model.is_over

    # How it is done

    def _run(self, statement: str | TextClause, **parameters: object) -> Sequence[Row[Any]]:
        found = text(statement) if isinstance(statement, str) else statement
        with self.engine.begin() as connection:
            result = connection.execute(found, parameters | {"study": self.study_id})
            return result.all() if result.returns_rows else ()

    def _next_claim(self, worker: int) -> Claim | None:
        for _ in range(2):
            with self.engine.begin() as connection:
                claim = find_held(connection, study_id=self.study_id, worker_id=worker) or take_waiting(
                    connection, study_id=self.study_id, worker_id=worker
                )
            if claim is not None or not enqueue_trial(self.storage, self.study, (), exhaustive=False):
                return claim
        return None

    def _idle(self) -> list[int]:
        return sorted(worker for worker, claim in self.workers.items() if claim is None)

    def _busy(self) -> list[int]:
        return sorted(worker for worker, claim in self.workers.items() if claim is not None)

    def _claims(self) -> list[Claim]:
        if self.only is not None:
            return [self.only]
        return self.late + [claim for _, claim in sorted(self.workers.items()) if claim is not None]

    def _let_go(self, claim: Claim) -> None:
        self.late = [other for other in self.late if other is not claim]
        self.workers = {worker: None if held is claim else held for worker, held in self.workers.items()}

    @contextmanager
    def _held(self, claim: Claim, *, expected: bool) -> Iterator[None]:
        """See that the block is let in, or refused, after which a worker lets go of its claim."""
        try:
            yield
        except LeaseLostError:
            assert not expected, f"attempt {claim.attempt} at trial {claim.number} was refused"
            self._let_go(claim)
        else:
            assert expected, f"attempt {claim.attempt} at trial {claim.number} was let in"


def as_row(trial: ModelTrial) -> tuple[object, ...]:
    """A trial of the model as TRIALS reads one."""
    epochs = sorted(epoch for epoch, times in trial.epochs.items() if times)
    worker = trial.worker
    times = [trial.epochs[epoch] for epoch in epochs]
    mark = None if trial.mark is None else str(trial.mark)
    return (trial.state, trial.attempt, trial.lost, worker, epochs, times, epochs, trial.value, mark)


def check_claims(database: Database, *, examples: int) -> None:
    """Try so many histories, and show the shortest one that goes wrong.

    Commits are not flushed at once, which takes most of the time: nothing here is about a power cut.
    """
    with database.engine.begin() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    database.engine.dispose()
    storage = open_storage(database)
    options = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    try:
        # Any factory will do, although the annotation asks for a class.
        run_state_machine_as_test(lambda: ClaimsMachine(storage), settings=options)  # type: ignore[arg-type]
    finally:
        storage.remove_session()
