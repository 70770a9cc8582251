"""What an export reports, for whoever prints it; torch is not imported here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl.metrics import Calibration


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
class Contender:
    """What a vote, or the best trial alone, reaches and costs."""

    validation: float | None
    """The study's metric on the validation split, on which the vote was chosen; None where that was not kept."""
    test: float | None
    """The same on the test split; None where the data were not at hand."""
    parameters: int
    milliseconds: float
    """Of one image, on this machine."""


@dataclass(frozen=True)
class Vote:
    """What several networks, or mirror images, bought and cost."""

    shares: dict[str, float]
    """Of each trial in the vote; together 1. By number, and with the study's name where that is the confirmation."""
    tta: bool
    """Whether each image is averaged with its mirror image."""
    metric: str
    device: str
    """That the milliseconds are of."""
    together: Contender
    alone: Contender
    """The best trial without the others and without mirror images."""
    alone_trial: str


@dataclass(frozen=True)
class Exported:
    """An exported model."""

    path: Path
    test: OnTestSplit | None
    """None where the data were not at hand."""
    warnings: tuple[str, ...]
    comparison: Comparison
    card: Path
    """What people may read about it: Markdown beside the model."""
    vote: Vote | None = None
    """None: one network, and no mirror images."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self) | {"path": str(self.path), "card": str(self.card)}
