"""Weights of the best trials, kept as artifacts.

What a trial's network predicts on the validation split is in the file of its weights, so it comes and goes with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from torch import Tensor

from automl.artifacts.artifact_records import WEIGHTS
from automl.artifacts.store import ArtifactStore
from automl.data.batches.normalization import Normalization
from automl.metrics import CalibratedFigures
from automl.storage.advisory_locks import Lock, lock
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS, IS_ARTIFACT
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from automl.training.evaluation.calibration import calibrated_figures
from automl.training.evaluation.predictions import Predictions

PREDICTIONS = "validation_predictions"


def write_weights(
    artifact_id: str,
    weights: Mapping[str, Tensor],
    normalization: Normalization,
    predictions: Predictions,
    *,
    artifacts: ArtifactStore,
) -> None:
    """Write weights, normalization and validation predictions to the artifacts."""
    state = {"weights": dict(weights), **asdict(normalization), PREDICTIONS: predictions.as_document()}
    with artifacts.writing(artifact_id) as path:
        save_checkpoint(state, path)


@dataclass(frozen=True)
class StoredWeights:
    """What a network is made of beside its recipe."""

    weights: Mapping[str, Tensor]
    normalization: Normalization
    predictions: Predictions
    """Predictions on the validation split."""

    def calibrated(self, *, tta: bool) -> CalibratedFigures:
        """Figures on the validation split, with the temperature that they ask for."""
        return calibrated_figures(self.predictions, tta=tta)


def read_weights(artifacts: ArtifactStore, name: str) -> StoredWeights:
    """Read back what `write_weights` wrote.

    Raises: TrainingError if the file is damaged; FileNotFoundError if it is gone.
    """
    with artifacts.reading(name) as file:
        stored: Any = load_checkpoint(file)
    predictions = Predictions.from_document(stored[PREDICTIONS])
    return StoredWeights(stored["weights"], Normalization(tuple(stored["mean"]), tuple(stored["std"])), predictions)


def weights_name(connection: Connection, trial_id: int) -> str | None:
    """Name of a trial's weights among the artifacts, or None if they were not kept."""
    for record in connection.scalars(
        text(f"SELECT value_json FROM trial_system_attributes WHERE trial_id = :trial_id AND {IS_ARTIFACT}"),
        {"trial_id": trial_id},
    ):
        meta = json.loads(json.loads(record))
        if meta is not None and meta["filename"] == WEIGHTS:  # None: deleted in optuna-dashboard
            return str(meta["artifact_id"])
    return None


def drop_surplus_weights(engine: Engine, study_id: int, *, keep: int, artifacts: ArtifactStore) -> None:
    """Delete the weights of all complete trials but the best `keep`: the record first, then the file."""
    with engine.begin() as connection:
        lock(connection, Lock.WEIGHTS, study_id)
        records = connection.scalars(
            text(
                f"""
                DELETE FROM trial_system_attributes AS attributes USING (
                    SELECT trial_id FROM {COMPLETE_TRIALS} WHERE study_id = :study {BEST_FIRST} OFFSET :keep) AS surplus
                WHERE attributes.trial_id = surplus.trial_id AND {IS_ARTIFACT} AND value_json LIKE :filename
                RETURNING value_json
                """
            ),
            {"study": study_id, "keep": keep, "filename": f"%{WEIGHTS}%"},
        ).all()
    for record in records:
        artifacts.remove(json.loads(json.loads(record))["artifact_id"])
