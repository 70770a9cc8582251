"""Studies copied into another database, while their workers may go on."""

from __future__ import annotations

from importlib.metadata import version

from automl.artifacts.store import ArtifactStore
from automl.errors import StudyError
from automl.storage.database import Database
from automl.study.record import StudyRecord, find_study
from automl.transfer.document_reading import read_document
from automl.transfer.importing import import_study
from automl.transfer.moved import MovedStudy
from automl.transfer.study_document import StudyDocument
from automl.transfer.study_files import StoredFiles


def snapshot(database: Database, name: str | None, *, artifacts: ArtifactStore) -> tuple[StudyDocument, StudyRecord]:
    """A study as it is at one moment, while workers may go on.

    Raises: StudyError if there is none.
    """
    with (
        database.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        connection.begin(),
    ):
        record = find_study(connection, name)
        return read_document(connection, record, artifacts=artifacts, version=version("optuna-automl")), record


def copy_study(
    database: Database,
    name: str | None,
    target: Database,
    *,
    artifacts: ArtifactStore,
    target_artifacts: ArtifactStore,
    model: str | None = None,
    space: str | None = None,
) -> MovedStudy:
    """Copy a study with its files into another database and store, under its name.

    `model`, `space`: code that the study names, and that its copy may import.

    Raises: StudyError if there is none, if the other database has one of this name, or if both would share a store.
    """
    if artifacts.address == target_artifacts.address:
        raise StudyError(
            f"Original and copy would share {artifacts.address}, and write over each other's checkpoints. "
            "Say where the original's lie (--artifacts), or give --to-artifacts another folder or prefix."
        )
    document, record = snapshot(database, name, artifacts=artifacts)
    return import_study(
        document,
        StoredFiles(artifacts, record.uid),
        target,
        name=record.name,
        artifacts=target_artifacts,
        model=model,
        space=space,
    )
