"""Weights of the best trials, kept as artifacts; and checkpoints of the running ones.

What a trial's network says of the validation split is in the file of its weights, so it comes and goes with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from torch import Tensor

from automl.artifacts.records import WEIGHTS
from automl.artifacts.store import ArtifactStore
from automl.data.batches.normalization import Normalization
from automl.metrics import CalibratedFigures
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from automl.training.evaluation.calibration import calibrated_figures
from automl.training.evaluation.predictions import Predictions

FILENAME = WEIGHTS
PREDICTIONS = "validation_predictions"
KEEP_LOCK = 0x6B656570  # "keep"; the first key of a two-key advisory lock, the second is the study


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
    predictions: Predictions | None
    """On the validation split; None: stored by an automl that did not keep them."""

    def calibrated(self, *, tta: bool) -> CalibratedFigures | None:
        """Figures on the validation split, with the temperature that they ask for; None without predictions."""
        return calibrated_figures(self.predictions, tta=tta) if self.predictions else None


def read_weights(artifacts: ArtifactStore, name: str) -> StoredWeights:
    """Read back what `write_weights` wrote.

    Raises: TrainingError if the file is damaged; FileNotFoundError if it is gone.
    """
    with artifacts.reading(name) as file:
        stored: Any = load_checkpoint(file)
    predictions = Predictions.from_document(stored[PREDICTIONS]) if PREDICTIONS in stored else None
    return StoredWeights(stored["weights"], Normalization(tuple(stored["mean"]), tuple(stored["std"])), predictions)


def weights_name(connection: Connection, trial_id: int) -> str | None:
    """Name of a trial's weights among the artifacts, or None if they were not kept."""
    for record in connection.scalars(
        text("SELECT value_json FROM trial_system_attributes WHERE trial_id = :trial_id AND key LIKE 'artifacts:%'"),
        {"trial_id": trial_id},
    ):
        meta = json.loads(json.loads(record))
        if meta is not None and meta["filename"] == FILENAME:  # None: deleted in optuna-dashboard
            return str(meta["artifact_id"])
    return None


def drop_surplus_weights(engine: Engine, study_id: int, *, keep: int, maximize: bool, artifacts: ArtifactStore) -> None:
    """Delete the weights of all complete trials but the best `keep`: the record first, then the file."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, :study)"), {"lock": KEEP_LOCK, "study": study_id})
        records = connection.scalars(
            text(
                f"""
                DELETE FROM trial_system_attributes AS attributes USING (
                    SELECT trial_id FROM trials JOIN trial_values USING (trial_id)
                    WHERE study_id = :study AND state = 'COMPLETE'
                    ORDER BY value {"DESC" if maximize else "ASC"}, number OFFSET :keep) AS surplus
                WHERE attributes.trial_id = surplus.trial_id AND key LIKE 'artifacts:%'
                AND value_json LIKE :filename
                RETURNING value_json
                """
            ),
            {"study": study_id, "keep": keep, "filename": f"%{FILENAME}%"},
        ).all()
    for record in records:
        artifacts.remove(json.loads(json.loads(record))["artifact_id"])


def checkpoint_folder(study_uid: str) -> str:
    """Where the checkpoints of a study's running trials lie among the artifacts, which databases may share."""
    return f"checkpoints/{study_uid}"


def checkpoint_name(study_uid: str, number: int, attempt: int) -> str:
    """A file for each attempt, so that a worker whose trial was taken cannot overwrite the newer one's."""
    return f"{checkpoint_folder(study_uid)}/{number}-{attempt}.pt"


def checkpoints_of(artifacts: ArtifactStore, study_uid: str, number: int) -> list[str]:
    """Checkpoints of all attempts at a trial, the newest attempt first."""
    names = artifacts.names(f"{checkpoint_folder(study_uid)}/{number}-")
    return sorted(names, key=_attempt, reverse=True)


def _attempt(name: str) -> int:
    return int(name.rpartition("-")[2].removesuffix(".pt"))
