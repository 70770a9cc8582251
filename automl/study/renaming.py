"""A study gets another name, and stays the same study: its number, its trials, its files, its unique name."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from automl.errors import StudyError
from automl.queue.study_end import SILENT_SECONDS
from automl.sanitize import shell_word
from automl.storage.attributes import UID_ATTRIBUTE
from automl.storage.sql_facts import count_live_workers
from automl.study.names import check_name
from automl.study.record import StudyRecord, study_names

KEEP_UID = """
INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (:study_id, :key, :uid)
ON CONFLICT (study_id, key) DO NOTHING
"""


def rename_study(connection: Connection, record: StudyRecord, name: str) -> None:
    """Rename the study; its checkpoints and confirmations are found by its unique name, which it keeps.

    Raises: StudyError if the name is taken or cannot be one, or while workers are at work on the study.
    """
    check_name(name)
    if name == record.name:
        return
    if count_live_workers(connection, record.study_id, silent_seconds=SILENT_SECONDS):
        raise StudyError(
            f"Workers are at work on study {record.name}. End them first: automl stop {shell_word(record.name)}"
        )
    _check_free(name, name in study_names(connection))
    connection.execute(
        text(KEEP_UID), {"study_id": record.study_id, "key": UID_ATTRIBUTE, "uid": json.dumps(record.uid)}
    )
    renamed = text("UPDATE studies SET study_name = :name WHERE study_id = :study_id")
    try:
        connection.execute(renamed, {"name": name, "study_id": record.study_id})
    except IntegrityError:  # of somebody else's, or made since
        _check_free(name, True)


def _check_free(name: str, is_taken: bool) -> None:
    if is_taken:
        raise StudyError(f"There is a study {name} already. Choose another name.")
