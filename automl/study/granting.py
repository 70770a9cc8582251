"""What a command grants to a study: a budget, which later commands may raise."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StudyError
from automl.study.record import StudyRecord


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a command grants: None leaves a limit as it is."""

    trials: int | None = None
    """Finished trials in all."""
    seconds: float | None = None
    """Active search in all, in seconds."""
    trial_seconds: float | None = None
    """Time of one trial, in seconds."""
    configured_trials: int | None = None
    """Total from a setting or a file instead of a flag: it raises a lower total, and leaves a higher one as it is."""
    configured_seconds: float | None = None
    """Active search in all, from a setting instead of a flag: as with `configured_trials`."""
    default_trials: int | None = None
    """Total of a study that would have no end at all."""

    @property
    def planned_trials(self) -> int | None:
        """The total of a new study."""
        if self.trials is None and self.configured_trials is None:
            return self.default_trials if self.planned_seconds is None else None
        return self.trials or self.configured_trials

    @property
    def planned_seconds(self) -> float | None:
        """The time of a new study."""
        return self.seconds or self.configured_seconds


def grant(connection: Connection, record: StudyRecord, budget: Budget) -> None:
    """Raise the study's budget, and let it go on if it was stopped.

    Raises: StudyError if a total would be lowered.
    """
    for what, kind, had, asked in (
        ("trials", "total", record.budget_trials, budget.trials),
        ("timeout", "total", record.budget_seconds, budget.seconds),
        ("trial-timeout", "limit", record.trial_seconds, budget.trial_seconds),
    ):
        if had is not None and asked is not None and asked < had:
            raise StudyError(
                f"Study {record.name} already has a {kind} of {had:g} for --{what}; {asked:g} would lower it. "
                f"It can only be raised: leave --{what} out to keep {had:g}."
            )
    granted = {
        "trials": budget.trials or _unasked_trials(record, budget),
        "seconds": budget.seconds or _unasked_seconds(record, budget),
        "trial_seconds": budget.trial_seconds,
        "study_id": record.study_id,
    }
    connection.execute(
        text(
            """
            UPDATE automl_studies SET budget_trials = coalesce(:trials, budget_trials),
                   budget_seconds = coalesce(:seconds, budget_seconds),
                   trial_seconds = coalesce(:trial_seconds, trial_seconds), stop_requested = false
            WHERE study_id = :study_id
            """
        ),
        granted,
    )


def _unasked_trials(record: StudyRecord, budget: Budget) -> int | None:
    """The total of a study where no flag gives one; None leaves it as it is."""
    if record.budget_trials is None:
        return budget.planned_trials if record.budget_seconds is None else None
    return max(record.budget_trials, budget.configured_trials or 0)


def _unasked_seconds(record: StudyRecord, budget: Budget) -> float | None:
    """The time of a study where no flag gives one; None leaves it as it is."""
    if record.budget_seconds is None:
        return budget.configured_seconds if record.budget_trials is None else None
    return max(record.budget_seconds, budget.configured_seconds or 0.0)
