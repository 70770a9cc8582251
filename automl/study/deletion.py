"""Studies: deleted. This imports Optuna, which takes 0.3 s."""

from __future__ import annotations

import optuna

from automl.artifacts.artifact_records import artifact_files
from automl.artifacts.checkpoint_names import checkpoint_folder
from automl.artifacts.store import ArtifactStore
from automl.errors import StudyError
from automl.queue.study_end import SILENT_SECONDS
from automl.sanitize import shell_word
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.sql_facts import count_live_workers
from automl.study.record import StudyRecord


def delete_study(database: Database, record: StudyRecord, *, artifacts: ArtifactStore) -> None:
    """Delete the study with its trials, weights and checkpoints.

    Raises: StudyError while workers are at work on it.
    """
    with database.engine.connect() as connection:
        names = artifact_files(connection, record.study_id)
        at_work = count_live_workers(connection, record.study_id, silent_seconds=SILENT_SECONDS)
    if at_work:
        raise StudyError(
            f"{at_work} workers are at work on study {record.name}. End them first: "
            f"automl stop {shell_word(record.name)}"
        )
    optuna.delete_study(study_name=record.name, storage=open_storage(database))
    for name in names:
        artifacts.remove(name)
    artifacts.remove_folder(checkpoint_folder(record.uid))
