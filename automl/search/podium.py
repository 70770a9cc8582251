"""The best trials of a study: those that an ensemble is chosen from."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.search.results import TrialRecord, best_trial, read_trial
from automl.search.study import StudyRecord
from automl.training.result import METRICS


def best_trials(connection: Connection, record: StudyRecord, count: int) -> list[TrialRecord]:
    """So many complete trials, or as many as there are, the one that `best` names first.

    Raises: StudyError if no trial is complete.
    """
    best = best_trial(connection, record)
    order = "DESC" if METRICS[record.specification.metric].maximize else "ASC"
    others = connection.scalars(
        text(
            f"""
            SELECT number FROM trials JOIN trial_values USING (trial_id)
            WHERE study_id = :study AND state = 'COMPLETE' AND number != :best
            ORDER BY value {order}, number LIMIT :count
            """
        ),
        {"study": record.study_id, "best": best.number, "count": count - 1},
    ).all()
    return [best, *(read_trial(connection, record, number) for number in others)]
