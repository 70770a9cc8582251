"""Result of an export. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl.metrics import Calibration


@dataclass(frozen=True)
class TestMetrics:
    """Metrics of the exported model on the test split. Shares from 0 to 1."""

    images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    """Wilson's 95 % interval of the accuracy."""
    macro_f1: float
    balanced_accuracy: float
    loss: float
    calibration: Calibration


@dataclass(frozen=True)
class Comparison:
    """Comparison of the written file with the model in memory."""

    images: int
    """Number of compared images."""
    of: str
    """Source of these images: `validation` or `noise`."""
    largest_difference: float
    """Largest difference between their probabilities of any class for any image."""


@dataclass(frozen=True)
class ScoredModel:
    """Metric and cost of an ensemble, or of the best trial alone."""

    validation: float | None
    """Metric on the validation split, on which the ensemble was chosen. None without stored predictions."""
    test: float | None
    """Metric on the test split. None without the data."""
    parameters: int
    milliseconds: float
    """Latency of one image on this machine, in milliseconds."""


@dataclass(frozen=True)
class EnsembleResult:
    """Gain and cost of several networks, or of mirror images."""

    shares: dict[str, float]
    """Share of each trial, by number, with the study's name if that is the confirmation. Together 1."""
    tta: bool
    """Whether each image is averaged with its mirror image."""
    metric: str
    device: str
    """Device of the latencies."""
    together: ScoredModel
    alone: ScoredModel
    """Scores of the best trial without the others and without mirror images."""
    alone_trial: str


@dataclass(frozen=True)
class ExportResult:
    """Result of an export."""

    path: Path
    test: TestMetrics | None
    """Metrics on the test split. None without the data."""
    warnings: tuple[str, ...]
    comparison: Comparison
    card: Path
    """Path of the model card, Markdown beside the model."""
    ensemble: EnsembleResult | None = None
    """Gain and cost of the ensemble. None for one network without mirror images."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        document = asdict(self) | {"path": str(self.path), "card": str(self.card)}
        document["vote"] = document.pop("ensemble")
        return document
