"""Studies as the database has them: found by name, and listed."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StudyError
from automl.storage.attributes import CONSENT_ATTRIBUTE, SPECIFICATION_ATTRIBUTE
from automl.storage.schema import has_schema
from automl.study.specification import Specification

CONFIRMING = '%"confirms": {%'
"""Pattern of LIKE for the specification of a study that confirms another one: in a text of a search, a quotation mark
has a backslash before it."""


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

    @property
    def uid(self) -> str:
        """A short name that no other study has, on this server or another."""
        return study_uid(self.name, self.created_at)


def study_uid(name: str, created_at: datetime) -> str:
    """The unique name of a study: the same wherever it is copied to."""
    return hashlib.sha256(f"{name} {created_at.astimezone(UTC).isoformat()}".encode()).hexdigest()[:8]


def find_study(connection: Connection, name: str | None) -> StudyRecord:
    """The study of this name, or the newest search.

    Raises: StudyError if there is none.
    """
    if not has_schema(connection):
        raise StudyError("There is no study yet. Make one with: automl search --data digits")
    row = connection.execute(
        text(
            f"""
            SELECT study_id, study_name, value_json, budget_trials, budget_seconds, trial_seconds, created_at, (
                       SELECT value_json FROM study_user_attributes AS consents
                       WHERE consents.study_id = studies.study_id AND consents.key = '{CONSENT_ATTRIBUTE}') AS consented
            FROM automl_studies JOIN studies USING (study_id)
            JOIN study_user_attributes AS attributes USING (study_id)
            WHERE attributes.key = '{SPECIFICATION_ATTRIBUTE}' AND (CAST(:name AS text) IS NULL OR study_name = :name)
            ORDER BY value_json LIKE :confirms, study_id DESC LIMIT 1
            """
        ),
        # bytes that are no UTF-8 name no study
        {"name": name and name.encode(errors="backslashreplace").decode(), "confirms": CONFIRMING},
    ).one_or_none()
    if row is None:
        raise StudyError(_unknown(name, study_names(connection)))
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
    )


def study_names(connection: Connection) -> list[str]:
    """Names of all studies, the newest first."""
    if not has_schema(connection):
        return []
    statement = "SELECT study_name FROM automl_studies JOIN studies USING (study_id) ORDER BY study_id DESC"
    return list(connection.scalars(text(statement)))


def _unknown(name: str | None, known: Sequence[str]) -> str:
    if not known:
        return "There is no study yet. Make one with: automl search --data digits"
    near = difflib.get_close_matches(name or "", known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known[:10])}."
    return f"There is no study {name!r}. {hint}"
