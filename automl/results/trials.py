"""Trials as they are stored: one whole, and a line for each finished one. Neither Optuna nor torch is imported here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from automl.errors import StudyError
from automl.metrics import METRICS, EpochResult, Metric
from automl.storage.attributes import (
    BEGAN_AGAIN_ATTRIBUTE,
    CUT_SHORT_ATTRIBUTE,
    MILLISECONDS_ATTRIBUTE,
    RECIPE_ATTRIBUTE,
    REPEATS_ATTRIBUTE,
    SHORTENED_ATTRIBUTE,
)
from automl.storage.schema import EPOCH_COLUMNS
from automl.storage.sql_facts import IS_FINISHED
from automl.study.record import StudyRecord

OVER_A_LIMIT = "over a limit"
"""Kind of failure of a trial that was pruned before its first epoch: its network is too large or too slow."""
MARKS = (REPEATS_ATTRIBUTE, SHORTENED_ATTRIBUTE, CUT_SHORT_ATTRIBUTE)
STATE_NAMES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}
"""Names of states for people, by Optuna's."""


@dataclass(frozen=True)
class TrialRecord:
    """All that is stored of one trial."""

    study: str
    trial_id: int
    number: int
    state: str
    value: float | None
    """Metric at the best epoch; None until the trial is complete."""
    best_epoch: int | None
    recipe: dict[str, Any]
    """All that decides the training; empty until the worker has sampled it."""
    parameters: int | None
    """Number of weights that are learnt."""
    milliseconds: float | None
    """Time of the network for one image on its worker, in milliseconds; None: not measured."""
    threads: int | None
    """CPU threads of the training, on which the last bits of the figures depend; None: a GPU."""
    attempt: int
    """Index of the attempt, from 0: how often the trial was reassigned."""
    lost: int
    """Number of its workers that were lost."""
    seconds: float
    """Training time of finished attempts, in seconds."""
    failure: str | None
    """Kind of failure, or of what interrupted it last."""
    reason: str | None
    started_at: datetime | None
    completed_at: datetime | None
    epochs: tuple[EpochResult, ...]
    began_again: str | None = None
    """Sentence on the attempt that found no checkpoint of an earlier one; None: every attempt found one."""
    repeats: int | None = None
    """Number of the trial whose recipe a final training repeats; None: a trial of the search."""
    shortened: int | None = None
    """Epochs that its recipe had planned, where it was given fewer to end in time."""
    cut_short: str | None = None
    """Sentence on why it ended before its last epoch; None: it did not."""

    @property
    def is_final(self) -> bool:
        """Whether it is a final training: the recipe of another trial again, longer and with another seed."""
        return self.repeats is not None

    def remarks(self) -> tuple[str, ...]:
        """What sets the training apart from one that was sampled and ran as planned, in sentences."""
        remarks = []
        if self.repeats is not None:
            remarks.append(f"Final training: the recipe of trial {self.repeats}, with another seed and more time.")
        if self.shortened is not None:
            epochs = self.recipe.get("epochs")
            remarks.append(
                f"Its schedule has {epochs} epochs instead of {self.shortened}, to end in the time that was left."
            )
        if self.cut_short is not None:
            remarks.append(f"{self.cut_short}. The weights are those of the best epoch.")
        if self.began_again is not None:
            remarks.append(f"{self.began_again}.")
        return tuple(remarks)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, times in UTC."""
        times = {
            name: moment.isoformat() + "Z" if (moment := getattr(self, name)) else None
            for name in ("started_at", "completed_at")
        }
        return asdict(self) | times | {"epochs": [asdict(result) for result in self.epochs]}


def read_trial(connection: Connection, record: StudyRecord, number: int) -> TrialRecord:
    """One trial, whole.

    Raises: StudyError if the study has no trial of this number.
    """
    row = connection.execute(
        text(
            f"""
            SELECT trials.trial_id, number, CAST(state AS text) AS state, value, parameters, threads,
                   coalesce(attempt, 0) AS attempt, coalesce(lost, 0) AS lost, coalesce(seconds, 0) AS seconds,
                   failure, reason, datetime_start, datetime_complete, attributes.value_json AS recipe, (
                       SELECT value_json FROM trial_user_attributes AS others
                       WHERE others.trial_id = trials.trial_id
                       AND others.key = '{BEGAN_AGAIN_ATTRIBUTE}') AS began_again,
                   times.value_json AS milliseconds, (
                       SELECT json_object_agg(key, CAST(value_json AS json)) FROM trial_user_attributes AS marks
                       WHERE marks.trial_id = trials.trial_id AND marks.key = ANY(:marks)) AS marks
            FROM trials LEFT JOIN automl_trials USING (trial_id)
            LEFT JOIN trial_values USING (trial_id)
            LEFT JOIN trial_user_attributes AS attributes ON attributes.trial_id = trials.trial_id
                AND attributes.key = '{RECIPE_ATTRIBUTE}'
            LEFT JOIN trial_user_attributes AS times ON times.trial_id = trials.trial_id
                AND times.key = '{MILLISECONDS_ATTRIBUTE}'
            WHERE study_id = :study AND number = :number
            """
        ),
        {"study": record.study_id, "number": number, "marks": list(MARKS)},
    ).one_or_none()
    if row is None:
        total = sum(count_states(connection, record.study_id).values())
        raise StudyError(f"Study {record.name} has no trial {number}: it has {total}, counted from 0.")
    return _trial_record(row, epoch_results(connection, row.trial_id), record)


def epoch_results(connection: Connection, trial_id: int) -> tuple[EpochResult, ...]:
    """Results of a trial's epochs, in order."""
    statement = f"SELECT {', '.join(EPOCH_COLUMNS)} FROM automl_epochs WHERE trial_id = :trial_id ORDER BY epoch"
    return tuple(
        EpochResult(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented accessor
        for row in connection.execute(text(statement), {"trial_id": trial_id})
    )


def _trial_record(row: Row[Any], epochs: Sequence[EpochResult], record: StudyRecord) -> TrialRecord:
    marks = row.marks or {}
    return TrialRecord(
        study=record.name,
        trial_id=row.trial_id,
        number=row.number,
        state=STATE_NAMES[row.state],
        value=row.value if row.state == "COMPLETE" else None,
        best_epoch=best_epoch(epochs, METRICS[record.specification.metric]),
        recipe=json.loads(row.recipe) if row.recipe else {},
        parameters=row.parameters,
        milliseconds=json.loads(row.milliseconds) if row.milliseconds else None,
        threads=row.threads,
        attempt=row.attempt,
        lost=row.lost,
        seconds=row.seconds,
        failure=row.failure,
        reason=row.reason,
        started_at=row.datetime_start,
        completed_at=row.datetime_complete,
        epochs=tuple(epochs),
        began_again=json.loads(row.began_again) if row.began_again else None,
        repeats=marks.get(REPEATS_ATTRIBUTE, {}).get("trial"),
        shortened=marks.get(SHORTENED_ATTRIBUTE),
        cut_short=marks.get(CUT_SHORT_ATTRIBUTE),
    )


def best_epoch(epochs: Sequence[EpochResult], metric: Metric) -> int | None:
    """The epoch whose weights are kept: the best by the metric, the first one of equals; None without epochs."""
    best: EpochResult | None = None
    for result in epochs:
        if best is None or metric.better(metric.of(result), than=metric.of(best)):
            best = result
    return None if best is None else best.epoch


@dataclass(frozen=True)
class FinishedTrial:
    """One line of a search's history."""

    number: int
    state: str
    value: float | None
    """Metric at the best epoch; of a pruned trial at the last one."""
    epochs_done: int
    reason: str | None
    completed_at: datetime


def finished_trials(
    connection: Connection, record: StudyRecord, *, after: datetime | None = None
) -> list[FinishedTrial]:
    """Finished trials in the order of their end, those that ended after a moment (naive UTC) or all."""
    rows = connection.execute(
        text(
            f"""
            SELECT number, CAST(state AS text) AS state, value, reason, datetime_complete, (
                SELECT count(*) FROM automl_epochs WHERE automl_epochs.trial_id = trials.trial_id) AS epochs_done
            FROM trials LEFT JOIN automl_trials USING (trial_id) LEFT JOIN trial_values USING (trial_id)
            WHERE study_id = :study AND {IS_FINISHED}
            AND (CAST(:after AS timestamp) IS NULL OR datetime_complete > :after)
            ORDER BY datetime_complete, number
            """
        ),
        {"study": record.study_id, "after": after},
    )
    return [
        FinishedTrial(row.number, STATE_NAMES[row.state], row.value, row.epochs_done, row.reason, row.datetime_complete)
        for row in rows
    ]


def count_states(connection: Connection, study_id: int) -> dict[str, int]:
    """Number of a study's trials by state, with Optuna's names of the states."""
    rows = connection.execute(
        text("SELECT CAST(state AS text) AS state, count(*) AS n FROM trials WHERE study_id = :study GROUP BY state"),
        {"study": study_id},
    )
    return {row.state: row.n for row in rows}
