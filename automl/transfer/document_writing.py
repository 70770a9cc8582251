"""A study's document, written into a database in one transaction."""

from __future__ import annotations

import json
from typing import Any

import optuna
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.metrics import METRICS
from automl.storage.attributes import CONSENT_ATTRIBUTE
from automl.storage.optuna_internals import FastStorage, copy_trial, study_id_of
from automl.transfer.frozen import frozen_trial
from automl.transfer.study_document import OUR_TABLES, StudyDocument


def write_document(
    storage: FastStorage, document: StudyDocument, *, name: str, consented: frozenset[str] = frozenset()
) -> None:
    """Write a study under a name that is free, in one transaction: it is there whole or not at all.

    `consented`: code that it may import; what the document says of that counts for nothing.

    Raises: optuna.exceptions.DuplicatedStudyError if the name is taken meanwhile.
    """
    maximize = METRICS[document.specification.metric].maximize
    with storage.begin() as connection:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize" if maximize else "minimize")
        study_id = study_id_of(study)
        attributes = document.study["user_attributes"] | {CONSENT_ATTRIBUTE: sorted(consented)}
        for key, value in attributes.items():
            storage.set_study_user_attr(study_id, key, value)
        for key, value in document.study["system_attributes"].items():
            storage.set_study_system_attr(study_id, key, value)
        row = document.study["row"] | {"study_id": study_id, "stop_requested": False, "active_at": None}
        _insert(connection, "study", [row])
        _insert(connection, "openings", [one | {"study_id": study_id} for one in document.study["test_openings"]])
        claims, epochs = [], []
        for trial in document.trials:
            trial_id = copy_trial(study, frozen_trial(trial))
            for key, value in trial["notes"].items():
                storage.set_study_system_attr(study_id, f"dashboard:{trial_id}:{key}", value)
            claims += [trial["claim"] | {"trial_id": trial_id}] if trial["claim"] else []
            epochs += [epoch | {"trial_id": trial_id} for epoch in trial["epochs"]]
        _insert(connection, "claim", claims)
        _insert(connection, "epochs", epochs)


def _insert(connection: Connection, what: str, rows: list[dict[str, Any]]) -> None:
    table = OUR_TABLES[what]
    statement = (
        f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb))"
    )
    connection.execute(text(statement), {"rows": json.dumps(rows)})
