"""Facts of a finished search, read from the database, and what follows from them by arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.confirmation.confirmed import Confirmation, RecommendedTrial, choose_best
from automl.errors import StudyError
from automl.figures.search.effort import TrialEffort
from automl.metrics import METRICS, EpochResult, Metric
from automl.queue.budget import how_to_continue
from automl.report.study_clock import StudyClock, read_clock
from automl.results.status import StudyStatus, read_status
from automl.results.trials import TrialRecord, finished_trials, read_trial
from automl.study.record import StudyRecord

FinishedState = Literal["complete", "pruned", "failed"]
FINISHED_STATES: dict[str, FinishedState] = {"complete": "complete", "pruned": "pruned", "failed": "failed"}


@dataclass(frozen=True)
class TestAccess:
    """One access to the test split."""

    accessed_at: datetime
    command: str


@dataclass(frozen=True)
class Facts:
    """A study with its finished trials."""

    record: StudyRecord
    status: StudyStatus
    trials: tuple[TrialRecord, ...]
    """Finished trials, by number."""
    devices: tuple[str, ...]
    """Distinct devices of the workers."""
    choice: RecommendedTrial | None = None
    """Trial that `automl best` names. None if no trial is complete."""
    confirmation_seconds: float = 0.0
    """Device time of the confirmation's epochs, in seconds."""
    clock: StudyClock | None = None
    """The study's clock. None if it is not known when its workers were there."""

    @property
    def metric(self) -> Metric:
        """Metric that the study optimizes."""
        return METRICS[self.record.specification.metric]

    @property
    def model(self) -> str | None:
        """`package.module:build` of a network of the user's own."""
        return self.record.specification.model

    @property
    def value_label(self) -> str:
        """`validation macro f1`."""
        return f"validation {self.metric.name}".replace("_", " ")

    @property
    def best_first(self) -> tuple[TrialRecord, ...]:
        """Complete trials, the best one first, the older one of two that are equal."""
        complete = [trial for trial in self.trials if trial.value is not None]
        sign = -1 if self.metric.maximize else 1
        return tuple(sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number)))

    @property
    def winner(self) -> TrialRecord | None:
        """The best complete trial."""
        return self.best_first[0] if self.best_first else None

    @property
    def confirmation(self) -> Confirmation | None:
        """Confirmation of the search's best recipes, if there is one."""
        return self.choice.confirmation if self.choice else None

    @property
    def stopped(self) -> int:
        """Number of trials that the pruner stopped. The other pruned trials were over a limit and never began."""
        return self.status.pruned - self.status.over_limit

    def in_state(self, state: FinishedState) -> tuple[TrialRecord, ...]:
        """Trials in this state."""
        return tuple(trial for trial in self.trials if trial.state == state)

    def reached(self, trial: TrialRecord) -> float | None:
        """The metric at the best epoch of a complete trial, at the last one of another. None without an epoch."""
        if trial.value is not None or not trial.epochs:
            return trial.value
        return self.metric.of(trial.epochs[-1])

    def gain(self, value: float, over: float) -> float:
        """Difference by which a value is better than another one. Negative if it is worse."""
        return value - over if self.metric.maximize else over - value


def read_facts(connection: Connection, record: StudyRecord) -> Facts:
    """Read everything that the report needs from the database, but the test-split accesses.

    Raises: StudyError if no trial is finished.
    """
    status = read_status(connection, record)
    if status.finished == 0:
        raise StudyError(
            f"Study {record.name} has no finished trial, so there is nothing to report yet "
            f"({len(status.running)} running, {status.waiting} waiting). "
            f"{how_to_continue(connection, record.study_id, name=record.name)}"
        )
    numbers = sorted(trial.number for trial in finished_trials(connection, record))
    trials = tuple(read_trial(connection, record, number) for number in numbers)
    choice = choose_best(connection, record) if status.best is not None else None
    confirmation = choice.confirmation if choice else None
    seconds = _trained_seconds(connection, confirmation.record) if confirmation else 0.0
    clock = read_clock(connection, record, active_seconds=status.active_seconds)
    return Facts(record, status, trials, _devices(connection, record), choice, seconds, clock)


def read_test_accesses(connection: Connection, records: Iterable[StudyRecord]) -> tuple[TestAccess, ...]:
    """Read the test-split accesses of these studies, the oldest first."""
    rows = connection.execute(
        text("SELECT opened_at, command FROM automl_test_openings WHERE study_id = ANY(:studies) ORDER BY opened_at"),
        {"studies": [one.study_id for one in records]},
    )
    return tuple(TestAccess(row.opened_at, row.command) for row in rows)


def _trained_seconds(connection: Connection, record: StudyRecord) -> float:
    statement = (
        "SELECT coalesce(sum(seconds), 0) FROM automl_epochs JOIN trials USING (trial_id) WHERE study_id = :study"
    )
    return float(connection.scalar(text(statement), {"study": record.study_id}) or 0.0)


def _devices(connection: Connection, record: StudyRecord) -> tuple[str, ...]:
    statement = "SELECT DISTINCT device FROM automl_workers WHERE study_id = :study ORDER BY device"
    return tuple(connection.scalars(text(statement), {"study": record.study_id}))


def best_result(trial: TrialRecord) -> EpochResult:
    """The epoch of a complete trial whose weights were kept."""
    return next(result for result in trial.epochs if result.epoch == trial.best_epoch)


def effort_of(trial: TrialRecord) -> TrialEffort:
    """Device time of a finished trial's epochs, with validation, without loading and start."""
    trained = sum(result.seconds for result in trial.epochs)
    left = int(trial.recipe.get("epochs", 0)) - len(trial.epochs)
    saved = trained / len(trial.epochs) * left if trial.state == "pruned" and trial.epochs else 0.0
    return TrialEffort(trial.number, FINISHED_STATES[trial.state], trained, saved)


@dataclass(frozen=True)
class Failure:
    """Trials that failed in the same way."""

    kind: str
    numbers: tuple[int, ...]
    reason: str
    """Last line of the first trial's reason."""


def failures_by_kind(trials: Sequence[TrialRecord]) -> tuple[Failure, ...]:
    """Failed trials, the most frequent kind first."""
    kinds: dict[str, list[TrialRecord]] = {}
    for trial in trials:
        if trial.state == "failed":
            kinds.setdefault(trial.failure or "unknown", []).append(trial)
    ordered = sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Failure(kind, tuple(trial.number for trial in of), _last_line(of[0].reason)) for kind, of in ordered)


def _last_line(reason: str | None) -> str:
    lines = (reason or "").strip().splitlines()
    return lines[-1].strip() if lines else "nothing was written down"


def baseline_trials(facts: Facts) -> tuple[TrialRecord, ...]:
    """Trials of the study's baseline recipes, in their order. Unfinished ones are left out."""
    specification = facts.record.specification
    if specification.is_exhaustive:
        return ()
    by_number = {trial.number: trial for trial in facts.trials}
    found = []
    for number, values in enumerate(specification.space.first_recipes()):
        trial = by_number.get(number)
        if trial is not None and all(trial.recipe.get(name) == value for name, value in values.items()):
            found.append(trial)  # imported trials have these numbers and other recipes
    return tuple(found)
