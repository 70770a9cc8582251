"""Where a study stands against its budget of trials and of time. Optuna is not imported here."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.sanitize import shell_word
from automl.storage.sql_facts import IS_FINISHED, seconds_between

BEAT_GAP_SECONDS = 15.0
"""A longer pause between two heartbeats of a study means that nobody worked on it."""
SINCE_LAST = "greatest(0, extract(epoch FROM clock_timestamp() - active_at))"
"""Seconds since the study's last heartbeat; none if the server's clock was set back since."""
IS_ACTIVE = f"{seconds_between('active_at', 'clock_timestamp()')} < :gap"
"""Whether somebody works on the study."""


@dataclass(frozen=True)
class BudgetStatus:
    """Where a study stands against its budget."""

    trials: int
    """Number of trials in any state."""
    finished: int
    budget_trials: int | None
    """Finished trials in all; None: no limit."""
    active_seconds: float
    """Time of active search so far, in seconds."""
    budget_seconds: float | None
    """Limit of active search, in seconds; None: no limit."""
    trial_seconds: float | None
    """Limit of one trial over all its attempts, in seconds; None: no limit."""
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
            f"""
            SELECT (SELECT count(*) FROM trials WHERE study_id = :study_id) AS trials,
                   (SELECT count(*) FROM trials WHERE study_id = :study_id
                    AND {IS_FINISHED}) AS finished,
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
    return f"Let it go on with: automl worker {shell_word(name)}"


def count_active_seconds(connection: Connection, study_id: int) -> None:
    """Add the time since the study's last heartbeat, whoever sent it, to its seconds of active search."""
    connection.execute(
        text(
            f"""
            UPDATE automl_studies SET active_at = clock_timestamp(),
                active_seconds = active_seconds + CASE WHEN {IS_ACTIVE} THEN {SINCE_LAST} ELSE 0 END
            WHERE study_id = :study_id
            """
        ),
        {"study_id": study_id, "gap": BEAT_GAP_SECONDS},
    )


def charge_start(connection: Connection, study_id: int, *, seconds: float = 0.0) -> None:
    """Count the time in which a command prepared the study, or waits for its workers, as time of its budget.

    `seconds`: time of the preparation before this call. Where nobody was heard of for a while, it alone is added; else
    the time since then. At least half of the budget stays for trials, however long the images took to decode.
    """
    connection.execute(
        text(
            f"""
            UPDATE automl_studies SET active_at = clock_timestamp(),
                active_seconds = greatest(active_seconds, least(budget_seconds / 2, active_seconds + CASE
                    WHEN {IS_ACTIVE} THEN {SINCE_LAST} ELSE :seconds END))
            WHERE study_id = :study_id AND budget_seconds IS NOT NULL
            """
        ),
        {"study_id": study_id, "gap": BEAT_GAP_SECONDS, "seconds": seconds},
    )
