"""Validation metrics of a complete trial before and after temperature scaling, as its worker stored them. No torch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.metrics import CalibratedFigures, Calibration
from automl.storage.attributes import CALIBRATED_ATTRIBUTE


@dataclass(frozen=True)
class Calibrated:
    """Validation metrics of a trial's weights."""

    plain: CalibratedFigures
    tta: CalibratedFigures
    """Metrics with test-time augmentation: each image is averaged with its mirror image."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def read_calibrated(connection: Connection, trial_id: int) -> Calibrated | None:
    """Read them. None if the trial is not complete."""
    stored = connection.scalar(
        text("SELECT value_json FROM trial_user_attributes WHERE trial_id = :trial_id AND key = :key"),
        {"trial_id": trial_id, "key": CALIBRATED_ATTRIBUTE},
    )
    if stored is None:
        return None
    return Calibrated(**{name: _figures(document) for name, document in json.loads(stored).items()})


def _figures(document: dict[str, Any]) -> CalibratedFigures:
    return CalibratedFigures(**(document | {"calibration": Calibration(**document["calibration"])}))
