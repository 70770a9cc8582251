"""Seconds of the workers that went into trials that left nothing."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

LOST_SECONDS = """
    SELECT coalesce(sum(claims.seconds), 0)
    FROM trials JOIN automl_trials AS claims USING (trial_id)
    WHERE trials.study_id = :study AND (trials.state IN ('FAIL', 'WAITING') OR trials.state = 'PRUNED'
        AND NOT EXISTS (SELECT FROM automl_epochs WHERE automl_epochs.trial_id = trials.trial_id))
"""


def lost_seconds(connection: Connection, study_id: int) -> float:
    """Time of attempts, in seconds, at trials that failed, or wait again and are not at work.

    A trial that waits loses nothing once it goes on: then its earlier attempts count for its result. A pruned trial
    informed the search if it has an epoch, and a complete one has its weights.
    """
    return float(connection.scalar(text(LOST_SECONDS), {"study": study_id}) or 0)
