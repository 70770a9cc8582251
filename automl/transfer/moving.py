"""Studies that move: copied into another database, written to one file, and read back."""

from __future__ import annotations

import json
import shutil
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from optuna.exceptions import DuplicatedStudyError

from automl.artifacts.garbage import holds_files
from automl.artifacts.store import ArtifactStore, temporary_file
from automl.artifacts.weights import checkpoint_folder
from automl.errors import StudyError
from automl.own_files import BACKUP_FILES, refuse_foreign
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import create_schema
from automl.study.study import StudyRecord, find_study, study_names, study_uid
from automl.transfer.moved import MovedStudy
from automl.transfer.study_document import ARTIFACT, StudyDocument, artifact_ids, read_document, write_document

STUDY, TRIALS = BACKUP_FILES


class Files(Protocol):
    """Where the files of a document are read."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """The file on this machine; FileNotFoundError if there is none."""


@dataclass(frozen=True)
class StoredFiles:
    """Files of a study among the artifacts."""

    artifacts: ArtifactStore
    uid: str

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """`artifacts/ID` or `checkpoints/NUMBER-ATTEMPT.pt`."""
        return self.artifacts.reading(stored_name(name, self.uid))


def stored_name(name: str, uid: str) -> str:
    """Where a document's file lies in a store."""
    kind, _, rest = name.partition("/")
    return rest if kind == "artifacts" else f"{checkpoint_folder(uid)}/{rest}"


@dataclass(frozen=True)
class ZippedFiles:
    """Files in a backup."""

    archive: zipfile.ZipFile

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A copy in a temporary folder."""
        if name not in self.archive.namelist():
            raise FileNotFoundError(name)
        with temporary_file() as path:
            with self.archive.open(name) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield path


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
    database: Database, name: str | None, target: Database, *, artifacts: ArtifactStore, target_artifacts: ArtifactStore
) -> MovedStudy:
    """Copy a study with its files into another database and store, under its name.

    Raises: StudyError if there is none, if the other database has one of this name, or if both would share a store.
    """
    if artifacts.address == target_artifacts.address:
        raise StudyError(
            f"Original and copy would share {artifacts.address}, and write over each other's checkpoints. "
            "Say where the original's lie (--artifacts), or give --to-artifacts another folder or prefix."
        )
    document, record = snapshot(database, name, artifacts=artifacts)
    return place(document, StoredFiles(artifacts, record.uid), target, name=record.name, artifacts=target_artifacts)


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
        with zipfile.ZipFile(beside, "w") as archive:
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
    return moved(document, record.name, missing)


def restore(path: Path, database: Database, *, name: str | None, artifacts: ArtifactStore) -> MovedStudy:
    """Read a study back from what `back_up` wrote, under its name or another.

    Raises: StudyError if the file is no backup or another version's, if the database has a study of this name, or if
    the store has files of the original or cannot be written.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            document = _read(archive, path)
            return _unpack(document, archive, database, name=name or document.name, artifacts=artifacts)
    except FileNotFoundError as error:
        raise StudyError(f"There is no file {path}.") from error
    except OSError as error:
        raise StudyError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
        raise StudyError(
            f"{path} is no backup of automl: {type(error).__name__}: {error}. Make one with: automl backup"
        ) from error


def _read(archive: zipfile.ZipFile, path: Path) -> StudyDocument:
    try:
        damaged = archive.testzip()
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:  # as zipfile calls damage elsewhere
        raise StudyError(f"{path} is damaged: {error}. Take another copy of it.") from error
    if damaged is not None:
        raise StudyError(f"{path} is damaged: {damaged} in it cannot be read. Take another copy of it.")
    study = json.loads(archive.read(STUDY))
    return StudyDocument(study, [json.loads(line) for line in archive.read(TRIALS).splitlines()])


def _unpack(
    document: StudyDocument, archive: zipfile.ZipFile, database: Database, *, name: str, artifacts: ArtifactStore
) -> MovedStudy:
    try:
        return place(document, ZippedFiles(archive), database, name=name, artifacts=artifacts)
    except OSError as error:  # the archive was read to its end before
        raise StudyError(
            f"The files of {name} cannot be written to {artifacts.address}: {error.strerror or error}. "
            "Make it writable, with room enough, or give --artifacts another folder or prefix; then restore again."
        ) from error


def place(
    document: StudyDocument, files: Files, target: Database, *, name: str, artifacts: ArtifactStore
) -> MovedStudy:
    """Write files and then the study that names them; if that fails, the files go again.

    Raises: StudyError if the database has a study of this name, if another version wrote the document, or if the store
    has files of the original.
    """
    document.check()
    create_schema(target)
    with target.engine.connect() as connection:
        _check_free(name, name in study_names(connection), target)
    uid = study_uid(name, document.created_at)
    _check_apart(document, uid, name, artifacts)
    written: list[str] = []
    try:
        renamed = _place_files(document, files, artifacts, uid, written)
        write_document(open_storage(target), _with_new_names(document, renamed), name=name)
    except BaseException as error:
        for one in written:
            artifacts.remove(one)
        _check_free(name, isinstance(error, DuplicatedStudyError), target)
        raise
    return moved(document, name, sum(1 for _ in document.files()) - len(written))


def _check_apart(document: StudyDocument, uid: str, name: str, artifacts: ArtifactStore) -> None:
    """A study of the same unique name takes the other's files for leftovers of its own, and deletes them."""
    recorded = (file.partition("/")[2] for file in document.files() if file.startswith("artifacts/"))
    if holds_files(artifacts, uid, document.attempts) or (
        name == document.name and not set(recorded).isdisjoint(artifacts.names(""))
    ):
        raise StudyError(
            f"{artifacts.address} has files of another study {name} of the same origin, and each would delete the "
            "other's. Give --artifacts (of a copy: --to-artifacts) another folder or prefix, or restore as --study NEW."
        )


def _place_files(
    document: StudyDocument, files: Files, artifacts: ArtifactStore, uid: str, written: list[str]
) -> dict[str, str]:
    """New identifiers of the artifacts that are there by their old ones; `written` gets every name at once."""
    renamed = {}
    for name in document.files():
        kind, _, old = name.partition("/")
        new = str(uuid.uuid4()) if kind == "artifacts" else stored_name(name, uid)
        try:
            with files.reading(name) as source, artifacts.writing(new) as target:
                shutil.copyfile(source, target)
        except FileNotFoundError:  # deleted since, or never there
            continue
        written.append(new)
        if kind == "artifacts":
            renamed[old] = new
    return renamed


def _with_new_names(document: StudyDocument, renamed: Mapping[str, str]) -> StudyDocument:
    """The document with the identifiers of its copied artifacts; records of missing ones are left out."""
    trials = [trial | {"system_attributes": _renamed(trial["system_attributes"], renamed)} for trial in document.trials]
    study = document.study | {"system_attributes": _renamed(document.study["system_attributes"], renamed)}
    return StudyDocument(study, trials)


def _renamed(attributes: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in attributes.items() if not key.startswith(ARTIFACT)}
    for old in artifact_ids(attributes):
        if old in renamed:
            meta = json.loads(attributes[ARTIFACT + old]) | {"artifact_id": renamed[old]}
            kept[ARTIFACT + renamed[old]] = json.dumps(meta)
    return kept


def _check_free(name: str, taken: bool, target: Database) -> None:
    if taken:
        raise StudyError(
            f"There is a study {name} in {target.shown} already, and nothing was changed. "
            f"Delete it there (automl delete {name}), or restore under another name: automl restore FILE --study NEW"
        )


def moved(document: StudyDocument, name: str, missing: int) -> MovedStudy:
    """What to say of it."""
    waiting = sum(trial["state"] == "WAITING" for trial in document.trials)
    return MovedStudy(name, len(document.trials), waiting, sum(1 for _ in document.files()) - missing, missing)
