"""Studies: stopped, while their workers run."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.recovery import GRACE_SECONDS
from automl.storage.sql_facts import count_live_workers
from automl.study.record import StudyRecord


def request_stop(connection: Connection, record: StudyRecord, *, grace_seconds: float = GRACE_SECONDS) -> int:
    """Ask the study's workers to requeue their trials and end; returns how many are at work.

    `grace_seconds`: those that were silent for so long are lost, and not counted.
    """
    connection.execute(
        text("UPDATE automl_studies SET stop_requested = true WHERE study_id = :study_id"),
        {"study_id": record.study_id},
    )
    return count_live_workers(connection, record.study_id, silent_seconds=grace_seconds)
