"""What a trial stores, under which identifier, and what the database records of it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.storage.sql_facts import IS_ARTIFACT

WEIGHTS, CURVE, MATRIX = "weights.pt", "learning-curve.png", "confusion-matrix.png"
NAMES = (WEIGHTS, CURVE, MATRIX)
PICTURES = (CURVE, MATRIX)
NAMESPACE = uuid.UUID("6175746f-6d6c-4172-8069-666163747321")


def artifact_id(study_uid: str, number: int, attempt: int, filename: str) -> str:
    """Identifier of what an attempt at a trial stores under this file name."""
    return str(uuid.uuid5(NAMESPACE, f"{study_uid}/{number}/{attempt}/{filename}"))


def artifact_files(connection: Connection, study_id: int) -> list[str]:
    """Names of all artifacts of a study and its trials."""
    rows: Sequence[Any] = connection.execute(
        text(
            f"""
            SELECT value_json FROM trial_system_attributes JOIN trials USING (trial_id)
            WHERE study_id = :study_id AND {IS_ARTIFACT}
            UNION ALL
            SELECT value_json FROM study_system_attributes WHERE study_id = :study_id AND {IS_ARTIFACT}
            """
        ),
        {"study_id": study_id},
    ).all()
    found = (json.loads(json.loads(row.value_json)) for row in rows)
    return [meta["artifact_id"] for meta in found if meta is not None]  # None: deleted in optuna-dashboard
