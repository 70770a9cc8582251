"""Studies as the database has them: found by name, and listed."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Row

from automl.errors import StudyError
from automl.storage.attributes import CONSENT_ATTRIBUTE, SPECIFICATION_ATTRIBUTE, UID_ATTRIBUTE
from automl.storage.schema import has_schema
from automl.study.specification import Specification

CONFIRMING = '%"confirms": {%'
"""Pattern of LIKE for the specification of a study that confirms another one: in a text of a search, a quotation mark
has a backslash before it."""

COLUMNS = f"""
SELECT study_id, study_name, attributes.value_json, budget_trials, budget_seconds, trial_seconds, created_at,
       (SELECT kept.value_json FROM study_system_attributes AS kept
        WHERE kept.study_id = automl_studies.study_id AND kept.key = '{UID_ATTRIBUTE}') AS kept_uid,
       (SELECT consents.value_json FROM study_user_attributes AS consents
        WHERE consents.study_id = automl_studies.study_id AND consents.key = '{CONSENT_ATTRIBUTE}') AS consented
FROM automl_studies JOIN studies USING (study_id) JOIN study_user_attributes AS attributes USING (study_id)
WHERE attributes.key = '{SPECIFICATION_ATTRIBUTE}'
"""
"""What a StudyRecord is made of, to be followed by AND."""
LOST = f"""
SELECT study_name FROM studies JOIN study_user_attributes AS attributes USING (study_id)
WHERE attributes.key = '{SPECIFICATION_ATTRIBUTE}' AND study_id NOT IN (SELECT study_id FROM automl_studies)
ORDER BY study_id DESC
"""


@dataclass(frozen=True)
class StudyRecord:
    """A stored study, as the database has it."""

    study_id: int
    name: str
    specification: Specification
    budget_trials: int | None
    """Finished trials in all; None: no limit."""
    budget_seconds: float | None
    """Active search in all, in seconds; None: no limit."""
    trial_seconds: float | None
    """Time of one trial, in seconds; None: no limit."""
    created_at: datetime
    consented: frozenset[str] = frozenset()
    """Names of code that a person let this study import, `package.module:function`."""
    kept_uid: str | None = None
    """Unique name of before it was renamed; None: it has its first name."""

    @property
    def uid(self) -> str:
        """A short name that no other study has, on this server or another."""
        return self.kept_uid or study_uid(self.name, self.created_at)


def study_uid(name: str, created_at: datetime) -> str:
    """The unique name of a study that was never renamed: the same wherever it is copied to."""
    return hashlib.sha256(f"{name} {created_at.astimezone(UTC).isoformat()}".encode()).hexdigest()[:8]


def checked_uid(stored: object) -> str | None:
    """What is stored, or was in a backup, if it has the form of a unique name: files are called by it."""
    return stored if isinstance(stored, str) and re.fullmatch("[0-9a-f]{8}", stored) else None


def find_study(connection: Connection, name: str | None) -> StudyRecord:
    """The study of this name, or the newest search.

    Raises: StudyError if there is none.
    """
    if not has_schema(connection):
        raise StudyError("There is no study yet. Make one with: automl search --data digits")
    row = connection.execute(
        text(
            f"""
            {COLUMNS} AND (CAST(:name AS text) IS NULL OR study_name = :name)
            ORDER BY attributes.value_json LIKE :confirms, study_id DESC LIMIT 1
            """
        ),
        # bytes that are no UTF-8 name no study
        {"name": name and name.encode(errors="backslashreplace").decode(), "confirms": CONFIRMING},
    ).one_or_none()
    if row is None:
        lost = lost_studies(connection)
        raise StudyError(describe_lost(name) if name in lost else _unknown(name, study_names(connection)))
    return _record(row)


def find_study_by_id(connection: Connection, study_id: int) -> StudyRecord:
    """The study of this number.

    Raises: StudyError if it is none of automl's.
    """
    row = connection.execute(text(f"{COLUMNS} AND study_id = :study_id"), {"study_id": study_id}).one_or_none()
    if row is None:
        raise StudyError(f"Study {study_id} of this database is none of automl's.")
    return _record(row)


def find_study_by_uid(connection: Connection, uid: str) -> StudyRecord | None:
    """The study of this unique name, whatever it is called now; None if there is none."""
    records = map(_record, connection.execute(text(COLUMNS)))
    return next((record for record in records if record.uid == uid), None)


def _record(row: Row[Any]) -> StudyRecord:
    specification = Specification.from_dict(json.loads(row.value_json))
    return StudyRecord(
        row.study_id,
        row.study_name,
        specification,
        row.budget_trials,
        row.budget_seconds,
        row.trial_seconds,
        row.created_at,
        frozenset(json.loads(row.consented or "[]")),
        checked_uid(json.loads(row.kept_uid or "null")),
    )


def study_names(connection: Connection) -> list[str]:
    """Names of all studies, the newest first."""
    if not has_schema(connection):
        return []
    statement = "SELECT study_name FROM automl_studies JOIN studies USING (study_id) ORDER BY study_id DESC"
    return list(connection.scalars(text(statement)))


def lost_studies(connection: Connection) -> list[str]:
    """Names of studies of automl's without its tables, the newest first: another program renamed or copied them."""
    return list(connection.scalars(text(LOST))) if has_schema(connection) else []


def describe_lost(name: str | None) -> str:
    """What happened to one of `lost_studies`, and what to do."""
    return (
        f"Study {name!r} has its trials, but nothing of automl's beside them: another program renamed or copied it, as "
        "optuna-dashboard does by itself (automl dashboard --writable renames without loss). "
        "Restore the study from a backup: automl restore FILE"
    )


def _unknown(name: str | None, known: Sequence[str]) -> str:
    if not known:
        return "There is no study yet. Make one with: automl search --data digits"
    near = difflib.get_close_matches(name or "", known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known[:10])}."
    return f"There is no study {name!r}. {hint}"
