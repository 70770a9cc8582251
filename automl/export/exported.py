"""What an export reports, for whoever prints it; torch is not imported here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl.training.result import Calibration


@dataclass(frozen=True)
class OnTestSplit:
    """How the exported model did on the test split. Shares from 0 to 1."""

    images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """95 % (Wilson)."""
    macro_f1: float
    balanced_accuracy: float
    loss: float
    calibration: Calibration


@dataclass(frozen=True)
class Comparison:
    """The written file, run beside the model in memory."""

    images: int
    """That both were asked about."""
    of: str
    """What these images are: `validation`, `noise`."""
    largest_difference: float
    """Between their probabilities of any class for any image."""


@dataclass(frozen=True)
class Exported:
    """An exported model."""

    path: Path
    test: OnTestSplit | None
    """None where the data were not at hand."""
    warnings: tuple[str, ...]
    comparison: Comparison

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {"path": str(self.path)}
