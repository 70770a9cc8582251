"""Who holds which trial: taken, fenced, given back, found lost. A trial changes hands in place.

Every change of hands is one transaction that also raises the trial's `attempt`. Reports and tells run inside `fence`,
which holds the row of the claim locked, so a worker whose attempt is old can never write over a newer one.
These statements write Optuna's columns `trials.state` and `trials.datetime_start` (naive UTC), because taking a trial
and recording who took it must not come apart.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import TrialTakenError

GRACE_SECONDS = 60.0
"""Without a heartbeat for so long, a worker is lost."""
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Claim:
    """One attempt at one trial, held by one worker."""

    trial_id: int
    number: int
    attempt: int
    """Counted from 0."""


def take_waiting(connection: Connection, *, study_id: int, worker_id: int | None) -> Claim | None:
    """Take the oldest waiting trial of the study, or None if nothing waits."""
    row = connection.execute(
        text(
            """
            UPDATE trials SET state = 'RUNNING', datetime_start = timezone('utc', now())
            WHERE trial_id = (
                SELECT trial_id FROM trials WHERE study_id = :study_id AND state = 'WAITING'
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING trial_id, number
            """
        ),
        {"study_id": study_id},
    ).one_or_none()
    if row is None:
        return None
    attempt = connection.scalar(
        text(
            """
            INSERT INTO automl_trials (trial_id, worker_id) VALUES (:trial_id, :worker_id)
            ON CONFLICT (trial_id) DO UPDATE SET worker_id = excluded.worker_id
            RETURNING attempt
            """
        ),
        {"trial_id": row.trial_id, "worker_id": worker_id},
    )
    return Claim(row.trial_id, row.number, int(attempt or 0))


class Transactions(Protocol):
    """What begins a transaction: an engine, or the storage where Optuna's calls belong to the transaction."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Begin one, for the duration of a block."""


@contextmanager
def fence(transactions: Transactions, claim: Claim) -> Iterator[Connection]:
    """Run the block while this attempt, and no other, may write the trial.

    Raises: TrialTakenError if the trial is another attempt's by now.
    """
    with transactions.begin() as connection:
        attempt = connection.scalar(
            text("SELECT attempt FROM automl_trials WHERE trial_id = :trial_id FOR UPDATE"),
            {"trial_id": claim.trial_id},
        )
        if attempt != claim.attempt:
            raise TrialTakenError(f"Trial {claim.number} was given to another worker (attempt {attempt}).")
        yield connection


def give_back(connection: Connection, trial_id: int) -> None:
    """Put a running trial back in the queue, same number, next attempt."""
    connection.execute(
        text("UPDATE automl_trials SET attempt = attempt + 1, worker_id = NULL WHERE trial_id = :trial_id"),
        {"trial_id": trial_id},
    )
    connection.execute(
        text("UPDATE trials SET state = 'WAITING' WHERE trial_id = :trial_id AND state = 'RUNNING'"),
        {"trial_id": trial_id},
    )


def recover_lost(connection: Connection, *, study_id: int, reached_seconds: float) -> list[int]:
    """Give back, or fail after MAX_ATTEMPTS, the running trials whose worker is gone; returns their numbers.

    A worker is gone when its process ended on this very machine, or when it has not sent a heartbeat for GRACE_SECONDS
    although the database was up, and reached by the caller (`reached_seconds`), all that time.
    """
    rows = connection.execute(
        text(
            """
            SELECT trials.trial_id, trials.number, claims.attempt, workers.host, workers.pid, workers.ended_at,
                   coalesce(extract(epoch FROM now() - greatest(beat_at, pg_postmaster_start_time())), 0) AS silent
            FROM trials
            JOIN automl_trials AS claims USING (trial_id)
            LEFT JOIN automl_workers AS workers USING (worker_id)
            WHERE trials.study_id = :study_id AND trials.state = 'RUNNING'
            FOR UPDATE OF claims SKIP LOCKED
            """
        ),
        {"study_id": study_id},
    ).all()
    lost = [
        row
        for row in rows
        if row.ended_at is not None
        or min(row.silent, reached_seconds) > GRACE_SECONDS
        or _ended_here(row.host, row.pid)
    ]
    for row in lost:
        if row.attempt + 1 < MAX_ATTEMPTS:
            give_back(connection, row.trial_id)
        else:
            _fail_lost(connection, row.trial_id)
    return [row.number for row in lost]


def _fail_lost(connection: Connection, trial_id: int) -> None:
    connection.execute(
        text(
            """
            UPDATE automl_trials SET attempt = attempt + 1, worker_id = NULL, failure = 'worker lost',
                   reason = 'its worker vanished ' || (attempt + 1) || ' times' WHERE trial_id = :trial_id
            """
        ),
        {"trial_id": trial_id},
    )
    connection.execute(
        text(
            """
            UPDATE trials SET state = 'FAIL', datetime_complete = timezone('utc', now())
            WHERE trial_id = :trial_id AND state = 'RUNNING'
            """
        ),
        {"trial_id": trial_id},
    )


def _ended_here(host: str | None, pid: int | None) -> bool:
    return host == this_host() and pid is not None and not psutil.pid_exists(pid)


def this_host() -> str:
    """Name of the place where a process number means something: host, boot, and process namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    return "/".join(
        (
            socket.gethostname(),
            boot.read_text().strip()[:8] if boot.exists() else str(int(psutil.boot_time())),
            str(namespace.stat().st_ino) if namespace.exists() else "",
        )
    )
