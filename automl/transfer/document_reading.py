"""A study's document, read in one snapshot of the database."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from automl.artifacts.checkpoint_names import checkpoints_of
from automl.artifacts.store import ArtifactStore
from automl.storage.optuna_internals import frozen_trial_id_of
from automl.storage.schema import VERSION
from automl.storage.trial_rows import read_frozen_trials
from automl.study.record import StudyRecord
from automl.transfer.study_document import FORMAT, OUR_TABLES, StudyDocument

TRIAL_NOTE = re.compile(r"dashboard:(\d+):(note.*)")
"""Notes of trials are attributes of the study, by the trial's primary key."""
LOCAL_KEYS = ("study_id", "trial_id", "worker_id")
"""Columns that mean something in one database only."""


def read_document(
    connection: Connection, record: StudyRecord, *, artifacts: ArtifactStore, version: str
) -> StudyDocument:
    """Read a study; `connection` should see one snapshot of the database (REPEATABLE READ)."""
    with Session(bind=connection) as session:
        trials = read_frozen_trials(session, record.study_id, after=-1, among=[])
    system = _attributes(connection, "system", record.study_id)
    notes: dict[int, dict[str, Any]] = {}
    for key in list(system):
        if match := TRIAL_NOTE.fullmatch(key):
            notes.setdefault(int(match[1]), {})[match[2]] = system.pop(key)
    study = {
        "format": FORMAT,
        "schema": VERSION,
        "automl": version,
        "name": record.name,
        "row": _rows(connection, "study", record)[0],
        "test_openings": _rows(connection, "openings", record),
        "user_attributes": _attributes(connection, "user", record.study_id),
        "system_attributes": system,
    }
    ours = _ours(connection, record)
    return StudyDocument(
        study,
        [
            _trial_document(trial, **ours.get(frozen_trial_id_of(trial), {"claim": None, "epochs": []}))
            | {
                "notes": notes.get(frozen_trial_id_of(trial), {}),
                "checkpoint": _newest_checkpoint(artifacts, record, trial),
            }
            for trial in trials
        ],
    )


def _trial_document(
    trial: FrozenTrial, *, claim: dict[str, Any] | None, epochs: list[dict[str, Any]]
) -> dict[str, Any]:
    running = trial.state == TrialState.RUNNING
    return {
        "number": trial.number,
        "state": (TrialState.WAITING if running else trial.state).name,
        "claim": claim | {"attempt": claim["attempt"] + running} if claim else None,
        "epochs": epochs,
        "value": trial.value,
        "started_at": _in_utc(trial.datetime_start),
        "completed_at": _in_utc(trial.datetime_complete),
        "params": trial.params,
        "distributions": {name: json.loads(distribution_to_json(d)) for name, d in trial.distributions.items()},
        "user_attributes": trial.user_attrs,
        "system_attributes": trial.system_attrs,
        "intermediate_values": {str(step): value for step, value in trial.intermediate_values.items()},
    }


def _newest_checkpoint(artifacts: ArtifactStore, record: StudyRecord, trial: FrozenTrial) -> str | None:
    found = [] if trial.state.is_finished() else checkpoints_of(artifacts, record.uid, trial.number)
    return found[0].rpartition("/")[2] if found else None


def _attributes(connection: Connection, kind: str, study_id: int) -> dict[str, Any]:
    rows = connection.execute(
        text(f"SELECT key, value_json FROM study_{kind}_attributes WHERE study_id = :study_id ORDER BY key"),
        {"study_id": study_id},
    )
    return {row.key: json.loads(row.value_json) for row in rows}


def _rows(connection: Connection, what: str, record: StudyRecord) -> list[dict[str, Any]]:
    statement = (
        f"SELECT to_jsonb(rows) - CAST(:keys AS text[]) FROM {OUR_TABLES[what]} AS rows WHERE study_id = :study_id"
    )
    found = connection.scalars(text(statement), {"keys": list(LOCAL_KEYS), "study_id": record.study_id})
    return list(found)


def _ours(connection: Connection, record: StudyRecord) -> dict[int, dict[str, Any]]:
    """Our rows of each trial, by its primary key: `claim` and `epochs`."""
    rows = connection.execute(
        text(
            f"""
            SELECT trial_id, (SELECT to_jsonb(claims) - CAST(:keys AS text[]) FROM {OUR_TABLES["claim"]} AS claims
                              WHERE claims.trial_id = trials.trial_id) AS claim,
                   (SELECT coalesce(jsonb_agg(to_jsonb(rows) - CAST(:keys AS text[]) ORDER BY epoch), '[]')
                    FROM {OUR_TABLES["epochs"]} AS rows WHERE rows.trial_id = trials.trial_id) AS epochs
            FROM trials WHERE study_id = :study_id
            """
        ),
        {"keys": list(LOCAL_KEYS), "study_id": record.study_id},
    )
    return {row.trial_id: {"claim": row.claim, "epochs": row.epochs} for row in rows}


def _in_utc(local: datetime | None) -> str | None:
    """Optuna shows naive local times."""
    return None if local is None else local.astimezone(UTC).isoformat()
