"""What is published of a finished trial: its note and its pictures, made from what the database has of it.

The end of a trial leaves a mark, UNPUBLISHED_ATTRIBUTE, in the transaction that records it; publishing takes the mark
away in the transaction that records what was published. So a worker may be killed in between: the mark says what is
still to be done, and whoever comes next does it. The mark holds what is stored nowhere else, the confusion matrix.
"""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import numpy.typing as npt
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from automl.artifacts.store import ArtifactStore
from automl.errors import StorageError
from automl.queue.study_end import SILENT_SECONDS
from automl.results.note_writing import write_trial_note
from automl.results.trials import TrialRecord, read_trial
from automl.storage.attributes import UNPUBLISHED_ATTRIBUTE
from automl.storage.sql_facts import worker_is_alive
from automl.study.record import StudyRecord
from automl.worker.trial_pictures import draw_pictures, record_artifacts, store_pictures

LEFT = text(
    f"""
    SELECT number FROM trial_system_attributes JOIN trials USING (trial_id) LEFT JOIN automl_trials USING (trial_id)
    LEFT JOIN automl_workers AS workers USING (worker_id)
    WHERE trials.study_id = :study AND key = :mark AND (
        workers.worker_id IS NULL OR workers.worker_id = :worker OR NOT ({worker_is_alive()})) = :is_left
    ORDER BY number
    """
)


def mark(confusion_KK: npt.NDArray[np.int64] | None) -> dict[str, object]:
    """The system attribute of a trial that is still to be published. `confusion_KK`: None, or its matrix."""
    if confusion_KK is None:
        return {UNPUBLISHED_ATTRIBUTE: None}
    cells = [[int(i), int(j), int(confusion_KK[i, j])] for i, j in np.argwhere(confusion_KK)]
    # Packed, because every worker that reads the trial before it is published keeps this in Optuna's cache.
    return {UNPUBLISHED_ATTRIBUTE: base64.b85encode(zlib.compress(json.dumps(cells).encode())).decode()}


def left_unpublished(connection: Connection, study_id: int, *, worker_id: int) -> list[int]:
    """Numbers of finished trials that nobody else publishes: this worker's own, and those of workers that are gone."""
    return list(connection.scalars(LEFT, _parameters(study_id, worker_id, is_left=True)))


def others_publish(connection: Connection, study_id: int, *, worker_id: int) -> bool:
    """Whether another worker is alive that has trials to publish."""
    return bool(connection.scalars(LEFT, _parameters(study_id, worker_id, is_left=False)).all())


def _parameters(study_id: int, worker_id: int, *, is_left: bool) -> dict[str, object]:
    return {
        "study": study_id,
        "worker": worker_id,
        "mark": UNPUBLISHED_ATTRIBUTE,
        "silent_seconds": SILENT_SECONDS,
        "is_left": is_left,
    }


def publish_trial(
    engine: Engine,
    record: StudyRecord,
    number: int,
    *,
    artifacts: ArtifactStore,
    log: Callable[[str], None],
    drawing: AbstractContextManager[object] | None = None,
) -> None:
    """Publish a trial, unless that is done; no connection is held while it is drawn and written, inside `drawing`.

    A picture that cannot be drawn is a line in the log, and the note goes without it. Pictures that cannot be written
    are a line as well, and the trial stays marked: they are made up for.
    """
    with engine.connect() as connection:
        found = _marked(connection, record.study_id, number)
        if found is None:
            return
        trial = read_trial(connection, record, number)
    with drawing or contextlib.nullcontext():
        pictures = _drawn(record, trial, found, log)
    attributes = _written(record, trial, pictures, artifacts, log)
    with engine.begin() as connection:
        if _marked(connection, record.study_id, number, lock=True) is None:
            return
        record_artifacts(connection, trial.trial_id, attributes or {})
        write_trial_note(connection, record, trial)
        if attributes is not None:
            connection.execute(
                text("DELETE FROM trial_system_attributes WHERE trial_id = :trial_id AND key = :mark"),
                {"trial_id": trial.trial_id, "mark": UNPUBLISHED_ATTRIBUTE},
            )


def _marked(connection: Connection, study_id: int, number: int, *, lock: bool = False) -> str | None:
    """The mark's value; None: it is gone."""
    value: str | None = connection.scalar(
        text(
            f"""
            SELECT value_json FROM trial_system_attributes AS attributes JOIN trials USING (trial_id)
            WHERE study_id = :study AND number = :number AND key = :mark
            {"FOR UPDATE OF attributes" if lock else ""}
            """
        ),
        {"study": study_id, "number": number, "mark": UNPUBLISHED_ATTRIBUTE},
    )
    return value


def _matrix(marked: str, classes: int) -> npt.NDArray[np.int64] | None:
    packed = json.loads(marked)
    if packed is None:
        return None
    matrix_KK = np.zeros((classes, classes), np.int64)
    for i, j, count in json.loads(zlib.decompress(base64.b85decode(packed))):
        matrix_KK[i, j] = count
    return matrix_KK


def _drawn(record: StudyRecord, trial: TrialRecord, marked: str, log: Callable[[str], None]) -> dict[str, bytes]:
    try:
        return draw_pictures(record, trial, _matrix(marked, len(record.specification.data.class_names)))
    except Exception as error:  # noqa: BLE001 – a name that cannot be drawn costs no trial
        log(f"trial {trial.number} has no pictures: {type(error).__name__}: {error}")
        return {}


def _written(
    record: StudyRecord,
    trial: TrialRecord,
    pictures: dict[str, bytes],
    artifacts: ArtifactStore,
    log: Callable[[str], None],
) -> dict[str, str] | None:
    try:
        return store_pictures(record, trial, pictures, artifacts=artifacts)
    except (OSError, StorageError) as error:
        log(f"trial {trial.number} has no pictures yet, they could not be stored: {error}")
        return None
