"""Who holds which trial: taken, fenced, requeued, found lost. A trial is reassigned in place.

Every reassignment is one transaction that also raises the trial's `attempt`. What a worker writes runs inside `fence`,
which holds the row of the claim locked, or locks it in its own statement (`reporting`). So a worker whose attempt is
old can never write over a newer one. These statements write Optuna's columns `trials.state` and `trials.datetime_start`
(naive UTC), because taking a trial and recording who took it must not come apart.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import psutil
from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from automl.errors import LeaseLostError

GRACE_SECONDS = 60.0
"""Without a heartbeat for so long, a worker is lost."""
MAX_ATTEMPTS = 3
"""A trial that lost so many workers fails. Attempts that were given back do not count."""

LOST = "worker lost"
SPENT = """
    greatest(0, extract(epoch FROM timezone('utc', coalesce(CAST(:until AS timestamptz), now())) - (
        SELECT datetime_start FROM trials WHERE trials.trial_id = automl_trials.trial_id)))
"""
"""Seconds since a running trial was taken, in an UPDATE of automl_trials; greatest() leaves out what is not known."""


@dataclass(frozen=True)
class Claim:
    """One attempt at one trial, held by one worker."""

    trial_id: int
    number: int
    attempt: int
    """Counted from 0."""
    earlier_seconds: float = field(default=0.0, compare=False)
    """That earlier attempts took."""


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
    claim = connection.execute(
        text(
            """
            INSERT INTO automl_trials (trial_id, worker_id) VALUES (:trial_id, :worker_id)
            ON CONFLICT (trial_id) DO UPDATE SET worker_id = excluded.worker_id
            RETURNING attempt, seconds
            """
        ),
        {"trial_id": row.trial_id, "worker_id": worker_id},
    ).one()
    return Claim(row.trial_id, row.number, claim.attempt, claim.seconds)


def find_held(connection: Connection, *, study_id: int, worker_id: int) -> Claim | None:
    """The running trial that a worker holds, or None.

    A worker that asks for its next trial holds one only if the answer to its last request was lost on the way.
    """
    row = connection.execute(
        text(
            """
            SELECT trial_id, number, attempt, seconds FROM trials JOIN automl_trials USING (trial_id)
            WHERE study_id = :study_id AND state = 'RUNNING' AND worker_id = :worker_id ORDER BY number LIMIT 1
            """
        ),
        {"study_id": study_id, "worker_id": worker_id},
    ).one_or_none()
    return None if row is None else Claim(row.trial_id, row.number, row.attempt, row.seconds)


class Transactions(Protocol):
    """What begins a transaction: an engine, or the storage where Optuna's calls belong to the transaction."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Begin one, for the duration of a block."""


@contextmanager
def fence(transactions: Transactions, claim: Claim) -> Iterator[Connection]:
    """Run the block while this attempt, and no other, may write the trial.

    Raises: LeaseLostError if the trial is another attempt's by now.
    """
    with transactions.begin() as connection:
        attempt = connection.scalar(
            text("SELECT attempt FROM automl_trials WHERE trial_id = :trial_id FOR UPDATE"),
            {"trial_id": claim.trial_id},
        )
        if attempt != claim.attempt:
            raise LeaseLostError(f"Trial {claim.number} was given to another worker (attempt {attempt}).")
        yield connection


def requeue(connection: Connection, trial_id: int, *, failure: str = "interrupted", reason: str | None = None) -> None:
    """Put a running trial back in the queue, same number, next attempt; a finished one stays as it is.

    `failure`: the kind of what happened.
    """
    _end_attempt(connection, trial_id, failure=failure, reason=reason)
    _set_waiting(connection, trial_id)


def recover_lost(
    connection: Connection, *, study_id: int, reached_seconds: float, grace_seconds: float = GRACE_SECONDS
) -> list[int]:
    """Give back, or fail after MAX_ATTEMPTS, the running trials whose worker is gone; returns their numbers.

    A worker is gone when its process ended on this very machine, or when it has not sent a heartbeat for
    `grace_seconds` although the database was up, and reached by the caller (`reached_seconds`), all that time.
    """
    rows = connection.execute(
        text(
            """
            SELECT trials.trial_id, trials.number, claims.lost, workers.host, workers.pid, workers.ended_at,
                   workers.beat_at,
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
        or min(row.silent, reached_seconds) > grace_seconds
        or _ended_here(row.host, row.pid)
    ]
    for row in lost:
        _recover(connection, row)
    return [row.number for row in lost]


def _recover(connection: Connection, row: Row[Any]) -> None:
    times = row.lost + 1
    reason = f"its worker vanished {times} times, the last one was process {row.pid} on {str(row.host).split('/')[0]}"
    if times == 1:
        reason = f"its worker vanished: process {row.pid} on {str(row.host).split('/')[0]}"
    _end_attempt(connection, row.trial_id, failure=LOST, reason=reason, until=row.beat_at)
    if times < MAX_ATTEMPTS:
        _set_waiting(connection, row.trial_id)
    else:
        _fail(connection, row.trial_id)


def _end_attempt(
    connection: Connection, trial_id: int, *, failure: str, reason: str | None, until: datetime | None = None
) -> None:
    """Let the next attempt at a running trial begin. `until`: when the worker was last heard of; None: now."""
    connection.execute(
        text(
            f"""
            UPDATE automl_trials SET attempt = attempt + 1, worker_id = NULL, failure = :failure, reason = :reason,
                   lost = lost + :lost, seconds = seconds + {SPENT}
            WHERE trial_id = :trial_id AND (
                SELECT state FROM trials WHERE trials.trial_id = automl_trials.trial_id) = 'RUNNING'
            """
        ),
        {"trial_id": trial_id, "failure": failure, "reason": reason, "lost": int(failure == LOST), "until": until},
    )


def _set_waiting(connection: Connection, trial_id: int) -> None:
    connection.execute(
        text("UPDATE trials SET state = 'WAITING' WHERE trial_id = :trial_id AND state = 'RUNNING'"),
        {"trial_id": trial_id},
    )


def _fail(connection: Connection, trial_id: int) -> None:
    """End a trial without a worker; what its attempts stored belongs to nobody then (`leftovers`)."""
    connection.execute(
        text("DELETE FROM trial_system_attributes WHERE trial_id = :trial_id AND key LIKE 'artifacts:%'"),
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
            boot.read_text("utf-8").strip()[:8] if boot.exists() else str(int(psutil.boot_time())),
            str(namespace.stat().st_ino) if namespace.exists() else "",
        )
    )
