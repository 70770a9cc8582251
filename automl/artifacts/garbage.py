"""Garbage, files that killed workers left behind: checkpoints of finished trials, and artifacts without a record.

A kill between writing an artifact and recording it, or between deleting the record and the file, leaves a file that
nothing names. So an artifact's identifier follows from its study, trial and attempt, and whoever comes next knows what
may be there; files of other studies and databases that share the store are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from automl.artifacts.artifact_records import NAMES, PICTURES, artifact_files, artifact_id
from automl.artifacts.checkpoint_names import checkpoint_folder
from automl.artifacts.store import ArtifactStore
from automl.storage.attributes import ARTIFACT_PREFIX, UNPUBLISHED_ATTRIBUTE
from automl.storage.sql_facts import IS_FINISHED


def holds_files(artifacts: ArtifactStore, study_uid: str, attempts: Mapping[int, int]) -> bool:
    """Whether a store has checkpoints of a study, or what its trials (last attempts by number) would have stored."""
    if artifacts.names(f"{checkpoint_folder(study_uid)}/"):
        return True
    possible = {name for number, last in attempts.items() for name in _possible(study_uid, number, last)}
    return not possible.isdisjoint(artifacts.names(""))


def forget_earlier(connection: Connection, trial_id: int, *, study_uid: str, number: int, attempt: int) -> None:
    """Delete the records of what earlier attempts stored; the files are then garbage."""
    keys = [f"{ARTIFACT_PREFIX}{artifact_id(study_uid, number, a, name)}" for a in range(attempt) for name in NAMES]
    connection.execute(
        text("DELETE FROM trial_system_attributes WHERE trial_id = :trial_id AND key = ANY(:keys)"),
        {"trial_id": trial_id, "keys": keys},
    )


def remove_garbage(engine: Engine, *, study_id: int, study_uid: str, artifacts: ArtifactStore) -> None:
    """Delete what the study's finished trials have left and nothing names; safe at any time."""
    with engine.connect() as connection:
        finished = _finished(connection, study_id)
        recorded = set(artifact_files(connection, study_id))
    attempts = {number: last for number, (last, _) in finished.items()}
    possible = {name for number, last in attempts.items() for name in _possible(study_uid, number, last)}
    about_to_be_recorded = {
        artifact_id(study_uid, number, last, name)
        for number, (last, is_unpublished) in finished.items()
        if is_unpublished
        for name in PICTURES
    }
    for name in possible.intersection(artifacts.names("")) - recorded - about_to_be_recorded:
        artifacts.remove(name)
    for name in artifacts.names(f"{checkpoint_folder(study_uid)}/"):
        number = name.rpartition("/")[2].partition("-")[0]  # or what others left there, as NFS does: .nfs0000...
        if number.isdecimal() and int(number) in attempts:
            artifacts.remove(name)


def _possible(study_uid: str, number: int, last_attempt: int) -> Iterator[str]:
    return (artifact_id(study_uid, number, a, name) for a in range(last_attempt + 1) for name in NAMES)


def _finished(connection: Connection, study_id: int) -> Mapping[int, tuple[int, bool]]:
    """The last attempt of each finished trial, by its number, and whether it is still to be published."""
    rows = connection.execute(
        text(
            f"""
            SELECT number, attempt, EXISTS (
                SELECT 1 FROM trial_system_attributes AS marks
                WHERE marks.trial_id = trials.trial_id AND key = :mark) AS is_unpublished
            FROM trials JOIN automl_trials USING (trial_id)
            WHERE study_id = :study AND {IS_FINISHED}
            """
        ),
        {"study": study_id, "mark": UNPUBLISHED_ATTRIBUTE},
    )
    return {row.number: (row.attempt, row.is_unpublished) for row in rows}
