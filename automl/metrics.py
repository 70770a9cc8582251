"""Metrics of a training run, and the one that a study optimizes. Imports no torch: the command line reads it fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EpochResult:
    """Metrics of one epoch. Accuracies and F1 are shares from 0 to 1."""

    epoch: int
    """Epoch index, from 0."""
    train_loss: float
    train_accuracy: float
    """Accuracy on augmented images, while the weights were changing."""
    validation_loss: float
    """Cross entropy in nats, without smoothing or class weights."""
    validation_accuracy: float
    validation_macro_f1: float
    validation_balanced_accuracy: float
    gradient_norm: float
    """Mean over the epoch's steps of the L2 norm over all parameters."""
    learning_rate: float
    """Learning rate at the epoch's last step."""
    images_per_second: float
    """Training throughput, without the time of validation."""
    seconds: float
    """Duration of the epoch in seconds, with validation."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Expected calibration errors, from 0 to 1, before and after temperature scaling."""

    temperature: float
    """Divisor of the logits."""
    error_before: float
    error_after: float


@dataclass(frozen=True, kw_only=True)
class CalibratedFigures:
    """Metrics of a network or an ensemble on the validation split, to which the temperature is fitted."""

    images: int
    accuracy: float
    """Accuracy, which the temperature does not change. The same holds for the next two."""
    macro_f1: float
    balanced_accuracy: float
    loss: float
    """Cross entropy in nats, without the temperature."""
    calibrated_loss: float
    calibration: Calibration


@dataclass(frozen=True)
class Metric:
    """The metric that a study optimizes."""

    name: str
    field: str
    """Name of the attribute of EpochResult."""
    maximize: bool

    def of(self, result: EpochResult) -> float:
        """This metric's value of one epoch."""
        return float(getattr(result, self.field))

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than`; None is beaten by everything."""
        if than is None:
            return True
        return value > than if self.maximize else value < than


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "validation_accuracy", maximize=True),
        Metric("macro_f1", "validation_macro_f1", maximize=True),
        Metric("balanced_accuracy", "validation_balanced_accuracy", maximize=True),
        Metric("loss", "validation_loss", maximize=False),
    )
}
