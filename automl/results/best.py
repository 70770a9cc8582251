"""The best trials of a study, by the one rule of `storage.sql_facts`. Neither Optuna nor torch is imported here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.artifact_records import WEIGHTS
from automl.errors import StudyError
from automl.metrics import METRICS, Metric
from automl.queue.budget import how_to_continue
from automl.results.trials import STATE_NAMES, TrialRecord, best_epoch, count_states, epoch_results, read_trial
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS, IS_ARTIFACT
from automl.study.record import StudyRecord

HAS_WEIGHTS = f"""
EXISTS (SELECT 1 FROM trial_system_attributes AS attributes WHERE attributes.trial_id = complete_trials.trial_id
        AND {IS_ARTIFACT} AND value_json LIKE :weights)
"""
"""Whether weights of one of COMPLETE_TRIALS are stored; `:weights` is their pattern."""


@dataclass(frozen=True)
class BestTrial:
    """The best complete trial so far."""

    number: int
    value: float
    epoch: int | None
    """Epoch whose weights were kept."""


def find_best(connection: Connection, record: StudyRecord) -> BestTrial | None:
    """The best complete trial, the older one of two that are equal; None if none is complete."""
    row = connection.execute(
        text(f"SELECT trial_id, number, value FROM {COMPLETE_TRIALS} WHERE study_id = :study {BEST_FIRST} LIMIT 1"),
        {"study": record.study_id},
    ).one_or_none()
    if row is None:
        return None
    epochs = epoch_results(connection, row.trial_id)
    return BestTrial(row.number, row.value, best_epoch(epochs, METRICS[record.specification.metric]))


def equals_of(connection: Connection, record: StudyRecord, number: int) -> tuple[int, ...]:
    """Numbers of the other complete trials whose value is this one's, the oldest first."""
    numbers = connection.scalars(
        text(
            f"""
            SELECT number FROM {COMPLETE_TRIALS} WHERE study_id = :study AND number <> :number
            AND loss = (SELECT loss FROM {COMPLETE_TRIALS} WHERE study_id = :study AND number = :number)
            ORDER BY number
            """
        ),
        {"study": record.study_id, "number": number},
    )
    return tuple(numbers)


def best_trial(connection: Connection, record: StudyRecord) -> TrialRecord:
    """The best complete trial, whole.

    Raises: StudyError if no trial is complete.
    """
    best = find_best(connection, record)
    if best is None:
        counts = count_states(connection, record.study_id)
        found = ", ".join(f"{n} {STATE_NAMES[state]}" for state, n in sorted(counts.items())) or "none"
        raise StudyError(
            f"Study {record.name} has no complete trial yet (trials: {found}). "
            f"{how_to_continue(connection, record.study_id, name=record.name)}"
        )
    return read_trial(connection, record, best.number)


def best_kept(connection: Connection, record: StudyRecord) -> list[TrialRecord]:
    """All complete trials whose weights are stored, whole, the best one first."""
    numbers = connection.scalars(
        text(f"SELECT number FROM {COMPLETE_TRIALS} WHERE study_id = :study AND {HAS_WEIGHTS} {BEST_FIRST}"),
        {"study": record.study_id, "weights": f"%{WEIGHTS}%"},
    ).all()
    return [read_trial(connection, record, number) for number in numbers]


def best_unfinished(connection: Connection, record: StudyRecord) -> TrialRecord | None:
    """The best of the running and waiting trials whose weights are stored already, whole; None if there is none.

    Weights are stored while a trial goes on as long as its study has no complete one.
    """
    numbers = connection.scalars(
        text(
            f"""
            SELECT DISTINCT number FROM trials JOIN trial_system_attributes AS attributes USING (trial_id)
            WHERE study_id = :study AND state IN ('RUNNING', 'WAITING') AND {IS_ARTIFACT} AND value_json LIKE :weights
            """
        ),
        {"study": record.study_id, "weights": f"%{WEIGHTS}%"},
    ).all()
    trials = [read_trial(connection, record, number) for number in numbers]
    metric = METRICS[record.specification.metric]
    sign = -1 if metric.maximize else 1
    values = {trial.number: value for trial in trials if (value := value_so_far(trial, metric)) is not None}
    return min(
        (trial for trial in trials if trial.number in values),
        key=lambda trial: (sign * values[trial.number], trial.number),
        default=None,
    )


def value_so_far(trial: TrialRecord, metric: Metric) -> float | None:
    """The metric at the best epoch of a trial in any state; None without an epoch."""
    return next((metric.of(result) for result in trial.epochs if result.epoch == trial.best_epoch), None)


def next_best(
    connection: Connection, records: Sequence[StudyRecord], *, after: TrialRecord, count: int
) -> list[TrialRecord]:
    """The best `count` complete trials of several studies, whole, without one trial; all if there are fewer."""
    rows = connection.execute(
        text(
            f"""
            SELECT study_id, number FROM {COMPLETE_TRIALS}
            WHERE study_id = ANY(:studies) AND trial_id != :first {BEST_FIRST} LIMIT :count
            """
        ),
        {"studies": [record.study_id for record in records], "first": after.trial_id, "count": count},
    ).all()
    studies = {record.study_id: record for record in records}
    return [read_trial(connection, studies[row.study_id], row.number) for row in rows]
