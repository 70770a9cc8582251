"""A line for each study. Neither Optuna nor torch is imported here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from automl.storage.attributes import SPECIFICATION_ATTRIBUTE
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS, IS_FINISHED


@dataclass(frozen=True)
class StudySummary:
    """One line of `automl studies`."""

    study: str
    data: str
    metric: str
    finished: int
    budget_trials: int | None
    best: float | None
    created_at: str


def list_studies(connection: Connection) -> list[StudySummary]:
    """All studies, the newest first."""
    rows = connection.execute(
        text(
            f"""
            SELECT study_name, attributes.value_json AS specification, budget_trials, created_at,
                   (SELECT count(*) FROM trials WHERE study_id = ours.study_id AND {IS_FINISHED}) AS finished,
                   (SELECT value FROM {COMPLETE_TRIALS} WHERE study_id = ours.study_id {BEST_FIRST} LIMIT 1) AS best
            FROM automl_studies AS ours JOIN studies USING (study_id)
            JOIN study_user_attributes AS attributes USING (study_id)
            WHERE attributes.key = :key ORDER BY study_id DESC
            """
        ),
        {"key": SPECIFICATION_ATTRIBUTE},
    )
    return [_summary(row) for row in rows]


def _summary(row: Row[Any]) -> StudySummary:
    specification = json.loads(row.specification)
    return StudySummary(
        row.study_name,
        specification["data"]["name"],
        specification["metric"],
        row.finished,
        row.budget_trials,
        row.best,
        row.created_at.isoformat(timespec="seconds"),
    )
