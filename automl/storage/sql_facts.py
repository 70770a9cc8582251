"""What the tables mean, as SQL that every query shares."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.storage.attributes import ARTIFACT_PREFIX

FINISHED_STATES = ("COMPLETE", "PRUNED", "FAIL")
"""Optuna's names of the states that end a trial."""
IS_FINISHED = "state IN ('COMPLETE', 'PRUNED', 'FAIL')"
"""Whether a row of `trials` is finished."""

COMPLETE_TRIALS = """
(SELECT trials.trial_id, study_id, number, value, (CASE direction WHEN 'MAXIMIZE' THEN -1 ELSE 1 END)
    * CASE value_type WHEN 'INF_NEG' THEN '-Infinity' WHEN 'INF_POS' THEN 'Infinity' ELSE value END AS loss
 FROM trials JOIN trial_values USING (trial_id) JOIN study_directions USING (study_id)
 WHERE state = 'COMPLETE') AS complete_trials
"""
"""Complete trials of all studies, as an item of FROM, with what BEST_FIRST sorts by."""
BEST_FIRST = "ORDER BY loss, study_id, number"
"""The one rule for the best of COMPLETE_TRIALS: by value in the study's direction, the oldest one of equals first."""

IS_ARTIFACT = f"key LIKE '{ARTIFACT_PREFIX}%'"
"""Whether a row of system attributes names a file."""

SPENT_SECONDS = """
    greatest(0, extract(epoch FROM timezone('utc', coalesce(CAST(:until AS timestamptz), now())) - (
        SELECT datetime_start FROM trials WHERE trials.trial_id = automl_trials.trial_id)))
"""
"""Seconds since a running trial was claimed, in an UPDATE of automl_trials; greatest() leaves out what is not known."""


def worker_is_alive(*, at: str = "clock_timestamp()") -> str:
    """Condition on a row of `automl_workers`: not ended, and no more than :silent_seconds without a heartbeat.

    `at`: SQL of the moment in question. A heartbeat from the future was sent before the server's clock was set back;
    who lives has sent another one since.
    """
    return f"ended_at IS NULL AND {seconds_between('beat_at', at)} < :silent_seconds"


def seconds_between(one: str, other: str) -> str:
    """SQL of the seconds between two moments, never negative, whatever a clock that is set back makes the past."""
    return f"abs(extract(epoch FROM {other} - {one}))"


def count_live_workers(connection: Connection, study_id: int, *, silent_seconds: float) -> int:
    """Number of a study's workers that are alive; those without a heartbeat for so long are not."""
    count = connection.scalar(
        text(f"SELECT count(*) FROM automl_workers WHERE study_id = :study_id AND {worker_is_alive()}"),
        {"study_id": study_id, "silent_seconds": silent_seconds},
    )
    return int(count or 0)
