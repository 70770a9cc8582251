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
class EnsembleDecision:
    """Whether the ensemble of a search's best trials was exported instead of the best one, and why."""

    members: int
    """Number of the ensemble's networks."""
    metric: str
    together: float
    """Metric of an ensemble chosen on one half of the validation split, on the other half; mean of both."""
    alone: float
    """The same of the best trial, chosen and judged like the ensemble."""
    gain: float
    """Difference, positive if the ensemble is better."""
    noise: float
    """Noise of the difference: a gain has to be larger."""
    is_taken: bool
    """Whether the ensemble was exported."""

    @property
    def sentence(self) -> str:
        """What was decided, and why, in one line."""
        end = "exported. --single keeps to one network"
        if not self.is_taken:
            end = "within its noise, so the best one alone is exported"
        return (
            f"ensemble of {self.members}: validation {self.metric.replace('_', ' ')} {self.together:.3f} against "
            f"{self.alone:.3f} of the best one, {self.gain:+.3f} ± {self.noise:.3f}: {end}"
        )


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
    decision: EnsembleDecision | None = None
    """Why an ensemble was exported, or not. None where there was nothing to decide."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        document = asdict(self) | {"path": str(self.path), "card": str(self.card)}
        document["vote"] = document.pop("ensemble")
        return document
