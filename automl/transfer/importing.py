"""A study's document with its files, written into a database and a store."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from optuna.exceptions import DuplicatedStudyError

from automl.artifacts.garbage import holds_files
from automl.artifacts.store import ArtifactStore
from automl.errors import StudyError
from automl.sanitize import shell_word
from automl.storage.attributes import ARTIFACT_PREFIX, UID_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.schema_creation import create_schema
from automl.study.consent import agreed, missing_consent
from automl.study.names import check_name
from automl.study.record import checked_uid, study_names, study_uid
from automl.transfer.document_writing import write_document
from automl.transfer.moved import MovedStudy
from automl.transfer.study_document import StudyDocument, artifact_ids
from automl.transfer.study_files import FileSource, stored_name


def import_study(
    document: StudyDocument,
    files: FileSource,
    target: Database,
    *,
    name: str,
    artifacts: ArtifactStore,
    model: str | None = None,
    space: str | None = None,
) -> MovedStudy:
    """Write files and then the study that names them; if that fails, the files go again.

    `model`, `space`: code that the study names, and that it may import here.

    Raises: StudyError if no study can have this name, if the database has a study of it, if another version wrote the
    document, or if the store has files of the original.
    """
    check_name(name)
    document.check()
    consented = agreed(document.specification, study=name, model=model, space=space)
    create_schema(target)
    with target.engine.connect() as connection:
        _check_free(name, name in study_names(connection), target)
    kept = document.study["system_attributes"].get(UID_ATTRIBUTE) if name == document.name else None
    uid = checked_uid(kept) or study_uid(name, document.created_at)
    _check_apart(document, uid, name, artifacts)
    written: list[str] = []
    try:
        renamed = _copy_files(document, files, artifacts, uid, written)
        written_document = _with_new_names(document, renamed, name=name)
        write_document(open_storage(target), written_document, name=name, consented=consented)
    except BaseException as error:
        for one in written:
            artifacts.remove(one)
        _check_free(name, isinstance(error, DuplicatedStudyError), target)
        raise
    moved = document.moved(name=name, missing=sum(1 for _ in document.files()) - len(written))
    return replace(moved, untrusted=missing_consent(document.specification, consented))


def _check_apart(document: StudyDocument, uid: str, name: str, artifacts: ArtifactStore) -> None:
    """A study of the same unique name takes the other's files for garbage of its own, and deletes them."""
    recorded = (file.partition("/")[2] for file in document.files() if file.startswith("artifacts/"))
    if holds_files(artifacts, uid, document.attempts) or (
        name == document.name and not set(recorded).isdisjoint(artifacts.names(""))
    ):
        raise StudyError(
            f"{artifacts.address} has files of another study {name} of the same origin, and each would delete the "
            "other's. Give --artifacts (of a copy: --to-artifacts) another folder or prefix, or restore as --study NEW."
        )


def _copy_files(
    document: StudyDocument, files: FileSource, artifacts: ArtifactStore, uid: str, written: list[str]
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


def _with_new_names(document: StudyDocument, renamed: Mapping[str, str], *, name: str) -> StudyDocument:
    """The document with the identifiers of its copied artifacts; records of missing ones are left out.

    Under another name it is another study, which keeps no unique name.
    """
    trials = [trial | {"system_attributes": _renamed(trial["system_attributes"], renamed)} for trial in document.trials]
    attributes = _renamed(document.study["system_attributes"], renamed)
    if name != document.name:
        attributes.pop(UID_ATTRIBUTE, None)
    study = document.study | {"system_attributes": attributes}
    return StudyDocument(study, trials)


def _renamed(attributes: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in attributes.items() if not key.startswith(ARTIFACT_PREFIX)}
    for old in artifact_ids(attributes):
        if old in renamed:
            meta = json.loads(attributes[ARTIFACT_PREFIX + old]) | {"artifact_id": renamed[old]}
            kept[ARTIFACT_PREFIX + renamed[old]] = json.dumps(meta)
    return kept


def _check_free(name: str, is_used: bool, target: Database) -> None:
    if is_used:
        raise StudyError(
            f"There is a study {name} in {target.shown} already, and nothing was changed. "
            f"Delete it there (automl delete {shell_word(name)}), "
            "or restore under another name: automl restore FILE --study NEW"
        )
