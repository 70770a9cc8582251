"""Figures of a complete trial before and after its temperature, as its worker stored them: no torch in here."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.metrics import CalibratedFigures, Calibration

CALIBRATED_ATTRIBUTE = "calibrated"
"""The trial's user attribute that holds them."""


@dataclass(frozen=True)
class Calibrated:
    """The weights of a trial on the validation split."""

    plain: CalibratedFigures
    tta: CalibratedFigures
    """Each image averaged with its mirror image."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def read_calibrated(connection: Connection, trial_id: int) -> Calibrated | None:
    """None where the trial is not complete, or an automl trained it that did not calibrate yet."""
    stored = connection.scalar(
        text("SELECT value_json FROM trial_user_attributes WHERE trial_id = :trial_id AND key = :key"),
        {"trial_id": trial_id, "key": CALIBRATED_ATTRIBUTE},
    )
    if stored is None:
        return None
    return Calibrated(**{name: _figures(document) for name, document in json.loads(stored).items()})


def _figures(document: dict[str, Any]) -> CalibratedFigures:
    return CalibratedFigures(**(document | {"calibration": Calibration(**document["calibration"])}))
