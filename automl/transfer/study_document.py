"""A study as plain JSON, read in one snapshot and written into another database: what copies and backups are made of.

A document has the study's own part (`study`) and a list of trials (`trials`): docs/design/moving.md has both. A running
trial is written down as waiting, at its next attempt: where the copy goes on, it goes on from its last checkpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import optuna
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import checkpoints_of
from automl.errors import StudyError
from automl.metrics import METRICS
from automl.storage.optuna_internals import FastStorage, copy_trial, frozen_trial_id_of, study_id_of
from automl.storage.schema import VERSION
from automl.storage.trial_rows import read_trials
from automl.study.specification import ATTRIBUTE, Specification
from automl.study.study import StudyRecord

FORMAT = 1
ARTIFACT = "artifacts:"
"""Of Optuna's system attributes, those that name a file."""
TRIAL_NOTE = re.compile(r"dashboard:(\d+):(note.*)")
"""Notes of trials are attributes of the study, by the trial's primary key."""
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
OURS = {
    "study": "automl_studies",
    "claim": "automl_trials",
    "epochs": "automl_epochs",
    "openings": "automl_test_openings",
}
CHECKPOINT = re.compile(r"[0-9]+-[0-9]+\.pt")
KEYS = ("study_id", "trial_id", "worker_id")
"""Columns that mean something in one database only."""


@dataclass(frozen=True)
class StudyDocument:
    """One study, whole, without its files."""

    study: dict[str, Any]
    trials: list[dict[str, Any]]

    @property
    def name(self) -> str:
        """The study's name where it was read."""
        return str(self.study["name"])

    @property
    def created_at(self) -> datetime:
        """When it was created; with the name it makes the study's unique name."""
        return datetime.fromisoformat(self.study["row"]["created_at"])

    @property
    def attempts(self) -> dict[int, int]:
        """The last attempt at each trial, by its number; 0 for those that nobody has begun."""
        return {trial["number"]: (trial["claim"] or {}).get("attempt", 0) for trial in self.trials}

    def check(self) -> None:
        """See that this automl can write it, and that its files go where files of a study do.

        Raises: StudyError if another version wrote it, or if a checkpoint's name leads elsewhere.
        """
        found = (self.study.get("format"), self.study.get("schema"))
        if found != (FORMAT, VERSION):
            raise StudyError(
                f"It was written by automl {self.study.get('automl')}, in format {found[0]} with tables of version "
                f"{found[1]}; this one works with format {FORMAT} and version {VERSION}. Install that automl."
            )
        Specification.from_dict(self.study["user_attributes"][ATTRIBUTE])
        for trial in self.trials:
            if trial["checkpoint"] and not CHECKPOINT.fullmatch(trial["checkpoint"]):
                raise StudyError(
                    f"Trial {trial['number']} names a checkpoint {trial['checkpoint']!r}, and automl writes "
                    "NUMBER-ATTEMPT.pt alone: the file was changed by somebody else. Use a backup that you trust."
                )

    def files(self) -> Iterator[str]:
        """Names of all files that belong to it: `artifacts/ID` and `checkpoints/NUMBER-ATTEMPT.pt`."""
        for attributes in (self.study["system_attributes"], *(trial["system_attributes"] for trial in self.trials)):
            yield from (f"artifacts/{identifier}" for identifier in artifact_ids(attributes))
        yield from (f"checkpoints/{trial['checkpoint']}" for trial in self.trials if trial["checkpoint"])


def artifact_ids(attributes: Mapping[str, Any]) -> list[str]:
    """Identifiers of the artifacts among some system attributes."""
    named = ((key, value) for key, value in attributes.items() if key.startswith(ARTIFACT))
    return [key.removeprefix(ARTIFACT) for key, value in named if json.loads(value) is not None]


def read_document(
    connection: Connection, record: StudyRecord, *, artifacts: ArtifactStore, version: str
) -> StudyDocument:
    """Read a study; `connection` should see one snapshot of the database (REPEATABLE READ)."""
    with Session(bind=connection) as session:
        trials = read_trials(session, record.study_id, after=-1, among=[])
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
                "checkpoint": None if trial.state in FINISHED else _newest_checkpoint(artifacts, record, trial.number),
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


def _newest_checkpoint(artifacts: ArtifactStore, record: StudyRecord, number: int) -> str | None:
    found = checkpoints_of(artifacts, record.uid, number)
    return found[0].rpartition("/")[2] if found else None


def _attributes(connection: Connection, kind: str, study_id: int) -> dict[str, Any]:
    rows = connection.execute(
        text(f"SELECT key, value_json FROM study_{kind}_attributes WHERE study_id = :study_id ORDER BY key"),
        {"study_id": study_id},
    )
    return {row.key: json.loads(row.value_json) for row in rows}


def _rows(connection: Connection, what: str, record: StudyRecord) -> list[dict[str, Any]]:
    statement = f"SELECT to_jsonb(rows) - CAST(:keys AS text[]) FROM {OURS[what]} AS rows WHERE study_id = :study_id"
    found = connection.scalars(text(statement), {"keys": list(KEYS), "study_id": record.study_id})
    return list(found)


def _ours(connection: Connection, record: StudyRecord) -> dict[int, dict[str, Any]]:
    """Our rows of each trial, by its primary key: `claim` and `epochs`."""
    rows = connection.execute(
        text(
            f"""
            SELECT trial_id, (SELECT to_jsonb(claims) - CAST(:keys AS text[]) FROM {OURS["claim"]} AS claims
                              WHERE claims.trial_id = trials.trial_id) AS claim,
                   (SELECT coalesce(jsonb_agg(to_jsonb(rows) - CAST(:keys AS text[]) ORDER BY epoch), '[]')
                    FROM {OURS["epochs"]} AS rows WHERE rows.trial_id = trials.trial_id) AS epochs
            FROM trials WHERE study_id = :study_id
            """
        ),
        {"keys": list(KEYS), "study_id": record.study_id},
    )
    return {row.trial_id: {"claim": row.claim, "epochs": row.epochs} for row in rows}


def write_document(storage: FastStorage, document: StudyDocument, *, name: str) -> None:
    """Write a study under a name that is free, in one transaction: it is there whole or not at all.

    Raises: optuna.exceptions.DuplicatedStudyError if the name is taken meanwhile.
    """
    specification = Specification.from_dict(document.study["user_attributes"][ATTRIBUTE])
    maximize = METRICS[specification.metric].maximize
    with storage.begin() as connection:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize" if maximize else "minimize")
        study_id = study_id_of(study)
        for key, value in document.study["user_attributes"].items():
            storage.set_study_user_attr(study_id, key, value)
        for key, value in document.study["system_attributes"].items():
            storage.set_study_system_attr(study_id, key, value)
        row = document.study["row"] | {"study_id": study_id, "stop_requested": False, "active_at": None}
        _insert(connection, "study", [row])
        _insert(connection, "openings", [one | {"study_id": study_id} for one in document.study["test_openings"]])
        claims, epochs = [], []
        for trial in document.trials:
            trial_id = copy_trial(study, _frozen(trial))
            for key, value in trial["notes"].items():
                storage.set_study_system_attr(study_id, f"dashboard:{trial_id}:{key}", value)
            claims += [trial["claim"] | {"trial_id": trial_id}] if trial["claim"] else []
            epochs += [epoch | {"trial_id": trial_id} for epoch in trial["epochs"]]
        _insert(connection, "claim", claims)
        _insert(connection, "epochs", epochs)


def _insert(connection: Connection, what: str, rows: list[dict[str, Any]]) -> None:
    table = OURS[what]
    statement = (
        f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb))"
    )
    connection.execute(text(statement), {"rows": json.dumps(rows)})


def _frozen(trial: Mapping[str, Any]) -> FrozenTrial:
    distributions = {name: json_to_distribution(json.dumps(d)) for name, d in trial["distributions"].items()}
    return FrozenTrial(
        number=trial["number"],
        state=TrialState[trial["state"]],
        value=trial["value"],
        datetime_start=_local(trial["started_at"]),
        datetime_complete=_local(trial["completed_at"]),
        params=trial["params"],
        distributions=distributions,
        user_attrs=trial["user_attributes"],
        system_attrs=trial["system_attributes"],
        intermediate_values={int(step): value for step, value in trial["intermediate_values"].items()},
        trial_id=-1,
    )


def _in_utc(local: datetime | None) -> str | None:
    """Optuna shows naive local times."""
    return None if local is None else local.astimezone(UTC).isoformat()


def _local(utc: str | None) -> datetime | None:
    return None if utc is None else datetime.fromisoformat(utc).astimezone().replace(tzinfo=None)
