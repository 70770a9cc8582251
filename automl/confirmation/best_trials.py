"""The best trials of a study, from which an ensemble is chosen."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from automl.confirmation.confirmed import choose_best
from automl.results.best import next_best
from automl.results.trials import TrialRecord
from automl.study.record import StudyRecord


def best_trials(connection: Connection, record: StudyRecord, count: int) -> list[TrialRecord]:
    """Read the best `count` complete trials of a study and its confirmation, that of `best` first; all if fewer.

    Raises: StudyError if no trial is complete.
    """
    choice = choose_best(connection, record)
    records = [record] if choice.confirmation is None else [record, choice.confirmation.record]
    return [choice.trial, *next_best(connection, records, after=choice.trial, count=count - 1)]
