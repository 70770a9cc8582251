"""Budgets, exact among any number of workers: a trial exists only if a ticket was issued for it.

A ticket is a queued trial. It is issued under a transaction-level advisory lock after counting every trial of the
study, whatever its state, so N asked are N finished. What the queue starts with (`first:`, the baselines, a grid) is
fixed in the ticket; sampling, which can take seconds, happens later and outside the lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.claims import Transactions
from automl.storage.optuna_internals import enqueue_waiting_trial, study_id_of

TICKET_LOCK = 0x7469636B  # "tick"; the first key of the two-key advisory lock, the second is the study
BEAT_GAP_SECONDS = 15.0
"""A longer pause between two heartbeats of a study means that nobody worked on it."""


@dataclass(frozen=True)
class BudgetStatus:
    """Where a study stands against its budget."""

    trials: int
    """Of any state."""
    finished: int
    budget_trials: int | None
    active_seconds: float
    budget_seconds: float | None
    trial_seconds: float | None
    """Limit of one trial, over all its attempts."""
    stop_requested: bool

    @property
    def trials_used_up(self) -> bool:
        """Whether every trial of the budget is finished."""
        return self.budget_trials is not None and self.finished >= self.budget_trials

    @property
    def seconds_left(self) -> float | None:
        """Seconds of active search left, or None without a limit."""
        return None if self.budget_seconds is None else max(0.0, self.budget_seconds - self.active_seconds)


def budget_status(connection: Connection, study_id: int) -> BudgetStatus:
    """Read where the study stands."""
    row = connection.execute(
        text(
            """
            SELECT (SELECT count(*) FROM trials WHERE study_id = :study_id) AS trials,
                   (SELECT count(*) FROM trials WHERE study_id = :study_id
                    AND state IN ('COMPLETE', 'PRUNED', 'FAIL')) AS finished,
                   budget_trials, active_seconds, budget_seconds, trial_seconds, stop_requested
            FROM automl_studies WHERE study_id = :study_id
            """
        ),
        {"study_id": study_id},
    ).one()
    return BudgetStatus(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor


def how_to_continue(connection: Connection, study_id: int, *, name: str) -> str:
    """What lets the study go on, in a sentence: a worker, where it would not end at once."""
    now = budget_status(connection, study_id)
    if now.trials_used_up:
        return "Its trials are used: repeat the command that began it with more --trials."
    if now.seconds_left == 0:
        return "Its time is used: repeat the command that began it with a longer --timeout."
    if now.stop_requested:
        return "It was stopped: repeat the command that began it."
    return f"Let it go on with: automl worker {name}"


def enqueue_trial(
    transactions: Transactions, study: optuna.Study, queue: Sequence[Mapping[str, Any]], *, exhaustive: bool
) -> bool:
    """Queue one more trial if the budget allows it; returns whether it did.

    `queue`: what the study's first trials fix, by trial number. `exhaustive`: there is nothing to try beyond it.
    """
    study_id = study_id_of(study)
    with transactions.begin() as connection:
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:lock, :study_id)"), {"lock": TICKET_LOCK, "study_id": study_id}
        )
        now = budget_status(connection, study_id)
        if now.budget_trials is not None and now.trials >= now.budget_trials:
            return False
        if exhaustive and now.trials >= len(queue):
            return False
        enqueue_waiting_trial(study, queue[now.trials] if now.trials < len(queue) else {})
    return True


def count_active_seconds(connection: Connection, study_id: int) -> None:
    """Add the time since the study's last heartbeat, whoever sent it, to its seconds of active search."""
    connection.execute(
        text(
            """
            UPDATE automl_studies SET active_at = clock_timestamp(), active_seconds = active_seconds + CASE
                WHEN active_at > clock_timestamp() - make_interval(secs => :gap)
                THEN extract(epoch FROM clock_timestamp() - active_at) ELSE 0 END
            WHERE study_id = :study_id
            """
        ),
        {"study_id": study_id, "gap": BEAT_GAP_SECONDS},
    )
