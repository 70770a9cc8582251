"""A trial's pictures, which optuna-dashboard shows as its artifacts: how it learned, and what it takes for what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.artifact_records import CURVE, MATRIX, artifact_id
from automl.artifacts.store import ArtifactStore
from automl.figures.canvas import small_png_bytes
from automl.figures.images.confusion import confusion_matrix
from automl.figures.search.learning_curves import LearningCurve, learning_curves
from automl.results.trials import TrialRecord
from automl.storage.optuna_internals import artifact_record
from automl.study.record import StudyRecord


def draw_pictures(
    record: StudyRecord, trial: TrialRecord, confusion_KK: npt.NDArray[np.int64] | None
) -> dict[str, bytes]:
    """What there is to see of a finished trial: PNGs by the name of their file.

    `confusion_KK`: of the validation split at the best epoch; None: no epoch was finished.
    """
    return {name: small_png_bytes(draw()) for name, draw in _drawings(record, trial, confusion_KK).items()}


def store_pictures(
    record: StudyRecord, trial: TrialRecord, pictures: Mapping[str, bytes], *, artifacts: ArtifactStore
) -> dict[str, str]:
    """Put pictures beside the weights; returns the system attributes that make the files the trial's.

    Raises: OSError or StorageError if the files cannot be written.
    """
    attributes = {}
    for filename, content in pictures.items():
        name = artifact_id(record.uid, trial.number, trial.attempt, filename)
        with artifacts.writing(name) as path:
            path.write_bytes(content)
        key, value = artifact_record(name, filename=filename)
        attributes[key] = value
    return attributes


def _drawings(
    record: StudyRecord, trial: TrialRecord, confusion_KK: npt.NDArray[np.int64] | None
) -> Mapping[str, Callable[[], Figure]]:
    drawings: dict[str, Callable[[], Figure]] = {}
    if trial.epochs:
        drawings[CURVE] = lambda: _learning_curve(
            trial, "loss" if record.specification.metric == "loss" else "accuracy"
        )
    if confusion_KK is not None:
        drawings[MATRIX] = lambda: confusion_matrix(confusion_KK, record.specification.data.class_names)
    return drawings


def _learning_curve(trial: TrialRecord, what: str) -> Figure:
    curve = LearningCurve(
        f"trial {trial.number}",
        [result.epoch for result in trial.epochs],
        [getattr(result, f"train_{what}") for result in trial.epochs],
        [getattr(result, f"validation_{what}") for result in trial.epochs],
    )
    return learning_curves([curve], value_label="cross entropy (nats)" if what == "loss" else what)


def record_artifacts(connection: Connection, trial_id: int, attributes: Mapping[str, str]) -> None:
    """Make stored files the trial's artifacts."""
    rows: Sequence[dict[str, object]] = [
        {"trial_id": trial_id, "key": key, "value": json.dumps(value)} for key, value in attributes.items()
    ]
    if rows:
        connection.execute(
            text(
                "INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (:trial_id, :key, :value)"
                " ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json"
            ),
            rows,
        )
