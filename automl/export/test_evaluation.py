"""Evaluation of an exported model on a split of some data. N images, K classes."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.data.batches.batching import HostImages, SplitImages, open_images
from automl.data.batches.transfer import to_device
from automl.data.dataset import DataSet, Split
from automl.data.decoding.pixels import convert
from automl.data.sizing import Fit, ImageShape
from automl.data.split_names import SplitName
from automl.errors import DataError
from automl.export.prediction.model import Model
from automl.metrics import Calibration
from automl.training.evaluation import scoring
from automl.training.evaluation.calibration import measure_calibration

Z_95 = 1.959963984540054
"""Quantile of the standard normal distribution for a 95 % interval."""


@dataclass(frozen=True)
class ClassFigures:
    """Metrics of one class. Shares are 0 where nothing can be divided."""

    name: str
    precision: float
    """Share of the images predicted as this class that are of it."""
    recall: float
    """Share of the images of this class that are predicted as it."""
    f1: float
    """Harmonic mean of precision and recall."""
    support: int
    """Number of images of this class."""


@dataclass(frozen=True)
class SplitEvaluation(scoring.Evaluation):
    """Metrics of one model on one split, its classes in the model's order."""

    class_names: tuple[str, ...]
    split: SplitName
    calibration: Calibration

    @classmethod
    def of(
        cls,
        logits_NK: Tensor,
        labels_N: npt.NDArray[np.int64],
        *,
        class_names: tuple[str, ...],
        split: SplitName,
        temperature: float,
    ) -> SplitEvaluation:
        """Metrics of logits that are not yet divided by their temperature."""
        found = scoring.evaluate_logits(logits_NK / temperature, labels_N)
        calibration = measure_calibration(logits_NK, labels_N, temperature=temperature)
        return cls(found.loss, found.confusion_KK, class_names, split, calibration)

    @property
    def n(self) -> int:
        """Number of images."""
        return int(self.confusion_KK.sum())

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, by the number of images alone."""
        return wilson_interval(int(np.trace(self.confusion_KK)), self.n)

    @property
    def classes(self) -> tuple[ClassFigures, ...]:
        """Metrics of each class."""
        hits_K, supports_K, taken_K = (
            np.diagonal(self.confusion_KK),
            self.confusion_KK.sum(axis=1),
            self.confusion_KK.sum(axis=0),
        )
        shares = (_share(hits_K, taken_K), _share(hits_K, supports_K), _share(2 * hits_K, taken_K + supports_K))
        rows = zip(self.class_names, *(share_K.tolist() for share_K in shares), supports_K.tolist(), strict=True)
        return tuple(ClassFigures(*row) for row in rows)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "split": self.split,
            "n": self.n,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "macro_f1": self.macro_f1,
            "balanced_accuracy": self.balanced_accuracy,
            "loss": self.loss,
            "calibration": dataclasses.asdict(self.calibration),
            "classes": [dataclasses.asdict(figures) for figures in self.classes],
            "confusion": self.confusion_KK.tolist(),
        }


def evaluate(model: Model, data: DataSet, split: SplitName) -> SplitEvaluation:
    """Evaluate the model on every image of a split. Images of another shape than the model's are converted.

    Raises: DataError if the split is missing or empty, or the classes are not the model's.
    """
    chosen = data.splits.get(split)
    if chosen is None or len(chosen) == 0:
        raise DataError(f"{data.reference} has no images in the split {split}. It has: {', '.join(data.splits)}.")
    labels_N = _model_labels(model, data)[chosen.labels_N]
    return SplitEvaluation.of(
        model.logits(_images(model, chosen)),
        labels_N,
        class_names=model.classes,
        split=split,
        temperature=model.classifier.temperature,
    )


def wilson_interval(hits: int, n: int) -> tuple[float, float]:
    """The 95 % interval of a share, from `hits` in `n` independent tries.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    share, spread = hits / n, Z_95**2 / n
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


class ConvertedImages:
    """Images of a split in another shape than their own, converted as they are taken."""

    def __init__(self, split: Split, shape: ImageShape, fit: Fit, device: torch.device) -> None:
        self._own = HostImages(split.images_MHWC, split.rows_N, torch.device("cpu"))
        self._shape = shape
        self._fit: Fit = fit
        self.device = device
        self.shape_HWC = (shape[1], shape[2], shape[0])

    def __len__(self) -> int:
        return len(self._own)

    def take(self, positions_B: Tensor) -> Tensor:
        """Return converted images, B × H × W × C on the device."""
        own_BHWC = self._own.take(positions_B).numpy()
        return to_device(torch.from_numpy(convert(own_BHWC, self._shape, self._fit)), self.device)


def _images(model: Model, split: Split) -> SplitImages:
    channels, height, width = model.card.image_shape
    if split.images_MHWC.shape[1:] == (height, width, channels):
        return open_images(split, model.device)
    return ConvertedImages(split, model.card.image_shape, model.card.sizing.fit, model.device)


def _model_labels(model: Model, data: DataSet) -> npt.NDArray[np.int64]:
    """Find the model's index of each class of the data, by its name."""
    if set(data.class_names) != set(model.classes):
        unknown = [name for name in data.class_names if name not in model.classes]
        missing = [name for name in model.classes if name not in data.class_names]
        raise DataError(
            f"{data.reference} has other classes than the model. "
            f"Only in the data: {', '.join(unknown) or 'none'}. Only in the model: {', '.join(missing) or 'none'}. "
            "Name them alike, or evaluate on data of the same classes."
        )
    return np.array([model.classes.index(name) for name in data.class_names], np.int64)


def _share(part_K: npt.NDArray[np.int64], whole_K: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    return np.divide(part_K, whole_K, out=np.zeros(len(part_K)), where=whole_K > 0)
