"""The best trials of a study, from which an ensemble is chosen."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.confirmation.confirmed import choose_best
from automl.metrics import METRICS
from automl.results.results import TrialRecord, read_trial
from automl.study.study import StudyRecord


def best_trials(connection: Connection, record: StudyRecord, count: int) -> list[TrialRecord]:
    """Read the best `count` complete trials of a study and its confirmation, that of `best` first; all if fewer.

    Raises: StudyError if no trial is complete.
    """
    choice = choose_best(connection, record)
    studies = {record.study_id: record}
    if choice.confirmation is not None:
        studies[choice.confirmation.record.study_id] = choice.confirmation.record
    order = "DESC" if METRICS[record.specification.metric].maximize else "ASC"
    others = connection.execute(
        text(
            f"""
            SELECT study_id, number FROM trials JOIN trial_values USING (trial_id)
            WHERE study_id = ANY(:studies) AND state = 'COMPLETE' AND trial_id != :best
            ORDER BY value {order}, study_id, number LIMIT :count
            """
        ),
        {"studies": list(studies), "best": choice.trial.trial_id, "count": count - 1},
    ).all()
    return [choice.trial, *(read_trial(connection, studies[row.study_id], row.number) for row in others)]
