"""How a worker knows that it was the last one of a finished search."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.budget import budget_status

SILENT_SECONDS = 10.0
"""Without a heartbeat for so long (they come every two seconds), a worker is not waited for."""


def is_over(connection: Connection, study_id: int) -> bool:
    """Whether the study's budget is used and nobody is at work on it any more."""
    at_work = connection.scalar(
        text(
            """
            SELECT count(*) FROM automl_workers WHERE study_id = :study_id AND ended_at IS NULL
            AND beat_at > clock_timestamp() - make_interval(secs => :silent)
            """
        ),
        {"study_id": study_id, "silent": SILENT_SECONDS},
    )
    return not at_work and budget_status(connection, study_id).trials_used_up
