"""What a training run yields, and which of it decides: no torch in here, so that the command line can read it fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EpochResult:
    """One epoch's figures. Accuracies and F1 are shares from 0 to 1."""

    epoch: int
    """Counted from 0."""
    train_loss: float
    train_accuracy: float
    """On augmented images, while the weights were changing."""
    validation_loss: float
    """Cross entropy in nats, without smoothing or class weights."""
    validation_accuracy: float
    validation_macro_f1: float
    validation_balanced_accuracy: float
    gradient_norm: float
    """Mean over the epoch's steps of the L2 norm over all parameters."""
    learning_rate: float
    """At the epoch's last step."""
    images_per_second: float
    """Training images only, validation's time left out."""
    seconds: float
    """The whole epoch, with validation."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """How far probabilities are from how often they are right. Errors are expected calibration errors, from 0 to 1."""

    temperature: float
    """That the logits are divided by."""
    error_before: float
    error_after: float


@dataclass(frozen=True, kw_only=True)
class CalibratedFigures:
    """A network, or several, on the validation split, which the temperature is fitted to."""

    images: int
    accuracy: float
    """The temperature does not change it, nor the next two."""
    macro_f1: float
    balanced_accuracy: float
    loss: float
    """Cross entropy in nats, without the temperature."""
    calibrated_loss: float
    calibration: Calibration


@dataclass(frozen=True)
class Metric:
    """What a study optimizes."""

    name: str
    field: str
    """The attribute of EpochResult."""
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
