"""How a worker knows that it was the last one of a finished search."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from automl.queue.budget import budget_status
from automl.storage.sql_facts import count_live_workers

SILENT_SECONDS = 10.0
"""Time without a heartbeat (they come every two seconds) after which a worker is not waited for, in seconds."""


def is_study_finished(connection: Connection, study_id: int) -> bool:
    """Whether the study's budget is used and nobody is at work on it any more."""
    at_work = count_live_workers(connection, study_id, silent_seconds=SILENT_SECONDS)
    now = budget_status(connection, study_id)
    return not at_work and (now.trials_used_up or now.seconds_left == 0)
