"""Trials that go back into the queue: handed back by their worker, or found without one.

Requeuing is one transaction that also raises the trial's `attempt`, so what the earlier worker still writes is refused
(`claims.fence`).
"""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from automl.storage.sql_facts import IS_ARTIFACT, SPENT_SECONDS

GRACE_SECONDS = 60.0
"""Time without a heartbeat after which a worker is lost, in seconds."""
MAX_ATTEMPTS = 3
"""Number of lost workers at which a trial fails. Attempts that were requeued do not count."""

LOST = "worker lost"


def requeue(connection: Connection, trial_id: int, *, failure: str = "interrupted", reason: str | None = None) -> None:
    """Put a running trial back in the queue, same number, next attempt; a finished one stays as it is.

    `failure`: the kind of what happened.
    """
    _end_attempt(connection, trial_id, failure=failure, reason=reason)
    _set_waiting(connection, trial_id)


def recover_lost(
    connection: Connection, *, study_id: int, reached_seconds: float, grace_seconds: float = GRACE_SECONDS
) -> list[int]:
    """Requeue, or fail after MAX_ATTEMPTS, the running trials whose worker is gone; returns their numbers.

    A worker is gone when its process ended on this very machine, or when it has not sent a heartbeat for
    `grace_seconds` although the database was up, and reached by the caller (`reached_seconds`), all that time.

    Claims and trials are locked, so that a trial which ends or is handed back at this moment is looked at again.
    """
    rows = connection.execute(
        text(
            """
            SELECT trials.trial_id, trials.number, claims.lost, workers.host, workers.pid, workers.ended_at,
                   workers.beat_at AS last_heartbeat,
                   coalesce(extract(epoch FROM now() - greatest(beat_at, pg_postmaster_start_time())), 0) AS silent
            FROM trials
            JOIN automl_trials AS claims USING (trial_id)
            LEFT JOIN automl_workers AS workers USING (worker_id)
            WHERE trials.study_id = :study_id AND trials.state = 'RUNNING'
            FOR UPDATE OF claims SKIP LOCKED FOR NO KEY UPDATE OF trials SKIP LOCKED
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
    _end_attempt(connection, row.trial_id, failure=LOST, reason=reason, until=row.last_heartbeat)
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
                   lost = lost + :lost, seconds = seconds + {SPENT_SECONDS}
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
    """End a trial without a worker; what its attempts stored belongs to nobody then (`artifacts.garbage`)."""
    connection.execute(
        text(f"DELETE FROM trial_system_attributes WHERE trial_id = :trial_id AND {IS_ARTIFACT}"),
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
    """Name of the system on which a process number means something: host, boot, and process namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    namespace = Path("/proc/self/ns/pid")
    return "/".join(
        (
            socket.gethostname(),
            boot.read_text("utf-8").strip()[:8] if boot.exists() else str(int(psutil.boot_time())),
            str(namespace.stat().st_ino) if namespace.exists() else "",
        )
    )
