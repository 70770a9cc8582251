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

from automl.storage.attributes import RECIPE_ATTRIBUTE
from automl.storage.sql_facts import IS_ARTIFACT, SPENT_SECONDS, seconds_between

GRACE_SECONDS = 60.0
"""Time without a heartbeat after which a worker is lost, in seconds."""
MAX_ATTEMPTS = 3
"""Number of lost workers at which a trial fails. Attempts that were requeued do not count."""

LOST = "worker lost"
HAS_RESULTS = """
    (EXISTS (SELECT FROM trial_params WHERE trial_params.trial_id = trials.trial_id) OR EXISTS (
        SELECT FROM trial_intermediate_values AS reports WHERE reports.trial_id = trials.trial_id))
"""
HAS_RECIPE = f"""
    EXISTS (SELECT FROM trial_user_attributes AS recipes
            WHERE recipes.trial_id = trials.trial_id AND recipes.key = '{RECIPE_ATTRIBUTE}')
"""
"""Whether an attempt of ours drew the trial's parameters."""
FOREIGN_SILENT = """
    extract(epoch FROM now() - greatest(trials.datetime_start AT TIME ZONE 'utc', pg_postmaster_start_time(), (
        SELECT CAST(max(heartbeat) AS timestamptz) FROM trial_heartbeats
        WHERE trial_heartbeats.trial_id = trials.trial_id)))
"""
"""Seconds since a running trial that no worker of ours claimed was begun, or since its last heartbeat of Optuna's."""


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
    A trial that was begun by somebody else, with Optuna's own calls, has as long.

    Claims and trials are locked, so that a trial which ends or is handed back at this moment is looked at again.
    """
    _adopt_foreign(connection, study_id)
    rows = connection.execute(
        text(
            f"""
            SELECT trials.trial_id, trials.number, claims.lost, workers.host, workers.pid, workers.ended_at,
                   workers.beat_at AS last_heartbeat, claims.worker_id IS NULL AS is_foreign,
                   {HAS_RESULTS} AND NOT {HAS_RECIPE} AS is_of_others,
                   CASE WHEN claims.worker_id IS NULL THEN {FOREIGN_SILENT}
                        ELSE coalesce(least({seconds_between("beat_at", "now()")},
                                            {seconds_between("pg_postmaster_start_time()", "now()")}), 0) END AS silent
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


def _adopt_foreign(connection: Connection, study_id: int) -> None:
    """Let running trials that nobody claimed, as `study.ask()` makes them, have a claim without a worker."""
    connection.execute(
        text(
            """
            INSERT INTO automl_trials (trial_id) SELECT trial_id FROM trials
            WHERE study_id = :study_id AND state = 'RUNNING'
            AND NOT EXISTS (SELECT FROM automl_trials AS claims WHERE claims.trial_id = trials.trial_id)
            ON CONFLICT DO NOTHING
            """
        ),
        {"study_id": study_id},
    )


def _recover_foreign(connection: Connection, row: Row[Any]) -> None:
    """Requeue what workers can train; a trial with parameters or reports of another objective fails."""
    reason = "it was begun outside automl, as study.ask() does, and nobody ended it within the grace time"
    _end_attempt(connection, row.trial_id, failure=LOST, reason=reason)
    if row.is_of_others:
        _fail(connection, row.trial_id)
    else:
        _set_waiting(connection, row.trial_id)


def _recover(connection: Connection, row: Row[Any]) -> None:
    if row.is_foreign:
        _recover_foreign(connection, row)
        return
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
