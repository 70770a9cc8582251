"""Studies written to one file, and read back."""

from __future__ import annotations

import json
import struct
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DataError, IntegrityError

from automl.artifacts.store import ArtifactStore
from automl.errors import StudyError
from automl.own_files import refuse_foreign
from automl.storage.database import Database
from automl.storage.refusals import refusal_of
from automl.storage.retry import reason_of
from automl.transfer.backup_reading import STUDY, TRIALS, read_backup
from automl.transfer.copying import snapshot
from automl.transfer.importing import import_study
from automl.transfer.moved import MovedStudy
from automl.transfer.study_document import StudyDocument
from automl.transfer.study_files import StoredFiles, ZippedFiles

NO_BACKUP = (
    *(zipfile.BadZipFile, struct.error, AttributeError, EOFError, LookupError, NotImplementedError, OverflowError),
    *(RecursionError, TypeError, ValueError),
)
"""What opening and reading a file raises where it is none."""
UNTAKEN = (DataError, IntegrityError)
"""What the database raises for values that no table takes."""


def back_up(database: Database, name: str | None, path: Path, *, artifacts: ArtifactStore) -> MovedStudy:
    """Write a study with its files into one zip; written beside and renamed.

    Raises: StudyError if there is none; OSError if it cannot be written; SettingsError if a file is there that automl
        did not write.
    """
    refuse_foreign(path, option="FILE")
    document, record = snapshot(database, name, artifacts=artifacts)
    files, missing = StoredFiles(artifacts, record.uid), 0
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with zipfile.ZipFile(beside, "w", strict_timestamps=False) as archive:
            archive.writestr(STUDY, json.dumps(document.study, indent=2), zipfile.ZIP_DEFLATED)
            lines = "".join(json.dumps(trial) + "\n" for trial in document.trials)
            archive.writestr(TRIALS, lines, zipfile.ZIP_DEFLATED)
            for file in document.files():
                try:
                    with files.reading(file) as source:
                        archive.write(source, file)
                except FileNotFoundError:
                    missing += 1
        refuse_foreign(path, option="FILE")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return document.moved(name=record.name, missing=missing)


def restore(
    path: Path,
    database: Database,
    *,
    name: str | None,
    artifacts: ArtifactStore,
    model: str | None = None,
    space: str | None = None,
) -> MovedStudy:
    """Read a study back from what `back_up` wrote, under its name or another.

    `model`, `space`: code that the study names, and that it may import.

    Raises: StudyError if the file is no backup or another version's, if the database has a study of this name, or if
    the store has files of the original or cannot be written.
    """
    with _opened(path) as (archive, document):
        name = document.name if name is None else name
        return _unpack(document, archive, database, name=name, artifacts=artifacts, model=model, space=space)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, StudyDocument]]:
    """The zip with the document in it, which was looked at whole."""
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            document = StudyDocument(*read_backup(archive, path))
            document.check()
        except FileNotFoundError as error:
            raise StudyError(f"There is no file {path}.") from error
        except OSError as error:
            raise StudyError(f"{path} cannot be read: {error.strerror or error}.") from error
        except NO_BACKUP as error:
            raise StudyError(
                f"{path} is no backup of automl: {type(error).__name__}: {error}. Make one with: automl backup"
            ) from error
        yield archive, document


def _unpack(
    document: StudyDocument,
    archive: zipfile.ZipFile,
    database: Database,
    *,
    name: str,
    artifacts: ArtifactStore,
    model: str | None,
    space: str | None,
) -> MovedStudy:
    try:
        files = ZippedFiles(archive)
        return import_study(document, files, database, name=name, artifacts=artifacts, model=model, space=space)
    except OSError as error:  # the archive was read to its end before
        raise StudyError(
            f"The files of {name} cannot be written to {artifacts.address}: {error.strerror or error}. "
            "Make it writable, with room enough, or give --artifacts another folder or prefix; then restore again."
        ) from error
    except (*UNTAKEN, StorageInternalError) as error:
        said = error.__cause__ if isinstance(error, StorageInternalError) else error
        if not isinstance(said, UNTAKEN) or refusal_of(error) is not None:  # the database's fault, not the backup's
            raise
        raise StudyError(
            f"The study is damaged: {reason_of(error)}. Nothing was written. Use another backup."
        ) from error
