"""Notes, written where optuna-dashboard shows them: rows in the form that it reads.

Nothing here imports Optuna or matplotlib.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.results.best import best_trial, equals_of, find_best
from automl.results.notes import study_note, trial_note
from automl.results.trials import TrialRecord, read_trial
from automl.storage.advisory_locks import Lock, lock
from automl.storage.attributes import NOTE_VERSION_ATTRIBUTE
from automl.storage.sql_facts import IS_FINISHED
from automl.study.record import StudyRecord

PIECE_LETTERS = 2045
"""Length of the pieces in which optuna-dashboard reads longer notes."""


def write_trial_note(connection: Connection, record: StudyRecord, trial: TrialRecord) -> None:
    """Write a finished trial's note in place of one that an earlier attempt wrote."""
    _replace(connection, record.study_id, f"dashboard:{trial.trial_id}:", trial_note(record, trial), version=1)


def write_missing_trial_notes(connection: Connection, record: StudyRecord) -> None:
    """Write those that no worker could: of trials whose workers vanished, and of imported trials."""
    numbers = connection.scalars(
        text(
            f"""
            SELECT number FROM trials WHERE study_id = :study AND {IS_FINISHED}
            AND NOT EXISTS (
                SELECT 1 FROM study_system_attributes AS attributes WHERE attributes.study_id = :study
                AND key = 'dashboard:' || trials.trial_id || CAST(:ending AS text))
            ORDER BY number
            """
        ),
        {"study": record.study_id, "ending": ":note_ver"},
    ).all()
    for number in numbers:
        write_trial_note(connection, record, read_trial(connection, record, number))


def write_study_note(connection: Connection, record: StudyRecord) -> None:
    """Bring the study's note up to date, unless somebody wrote a note of their own there."""
    lock(connection, Lock.NOTE, record.study_id)
    stored = _stored(connection, record.study_id)
    version = int(stored.get("dashboard:note_ver", 0))
    if version != int(stored.get(NOTE_VERSION_ATTRIBUTE, 0)):
        return
    best = None if find_best(connection, record) is None else best_trial(connection, record)
    equals = () if best is None else equals_of(connection, record, best.number)
    body = study_note(record, best, equals=equals)
    pieces = sorted((name for name in stored if name.startswith("dashboard:note_str:")), key=_position)
    if "".join(stored[name] for name in pieces) == body:
        return
    _replace(connection, record.study_id, "dashboard:", body, version=version + 1)
    _insert(connection, record.study_id, {NOTE_VERSION_ATTRIBUTE: version + 1})


def _stored(connection: Connection, study_id: int) -> dict[str, str]:
    rows = connection.execute(
        text(
            "SELECT key, value_json FROM study_system_attributes WHERE study_id = :study"
            " AND (key LIKE 'dashboard:note%' OR key = :ours)"
        ),
        {"study": study_id, "ours": NOTE_VERSION_ATTRIBUTE},
    )
    return {row.key: json.loads(row.value_json) for row in rows}


def _position(name: str) -> int:
    return int(name.rsplit(":", 1)[1])


def _replace(connection: Connection, study_id: int, prefix: str, body: str, *, version: int) -> None:
    """Put a note where optuna-dashboard's `get_note` finds it: a version, and the text in pieces."""
    connection.execute(
        text("DELETE FROM study_system_attributes WHERE study_id = :study AND key LIKE :pieces"),
        {"study": study_id, "pieces": f"{prefix}note_str:%"},
    )
    starts = range(0, len(body), PIECE_LETTERS)
    pieces = {f"{prefix}note_str:{i}": body[start : start + PIECE_LETTERS] for i, start in enumerate(starts)}
    _insert(connection, study_id, {f"{prefix}note_ver": version, **pieces})


def _insert(connection: Connection, study_id: int, attributes: Mapping[str, int | str]) -> None:
    connection.execute(
        text(
            "INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (:study, :key, :value)"
            " ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json"
        ),
        [{"study": study_id, "key": key, "value": json.dumps(value)} for key, value in attributes.items()],
    )
