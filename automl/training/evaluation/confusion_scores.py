"""Metrics of a classification, from its confusion matrix. K classes, N images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def confusion_matrix(labels_N: Tensor, predicted_N: Tensor, num_classes: int) -> Tensor:
    """Counts as K × K int64 on the labels' device: true classes down, predicted ones across."""
    cells_N = labels_N * num_classes + predicted_N
    counts = torch.zeros(num_classes * num_classes, dtype=torch.int64, device=labels_N.device)
    return counts.scatter_add_(0, cells_N, torch.ones_like(cells_N)).view(num_classes, num_classes)


def accuracy(confusion_KK: npt.NDArray[np.int64]) -> float:
    """Share of the images that are classified correctly."""
    return float(np.trace(confusion_KK) / confusion_KK.sum())


def macro_f1(confusion_KK: npt.NDArray[np.int64]) -> float:
    """Mean over the classes that occur, as labels or predictions, of the harmonic mean of precision and recall."""
    occurrences_K = confusion_KK.sum(axis=0) + confusion_KK.sum(axis=1)
    present_K = occurrences_K > 0
    return float(np.mean(2 * np.diagonal(confusion_KK)[present_K] / occurrences_K[present_K]))


def balanced_accuracy(confusion_KK: npt.NDArray[np.int64]) -> float:
    """Mean recall over the classes that have images."""
    images_K = confusion_KK.sum(axis=1)
    present_K = images_K > 0
    return float(np.mean(np.diagonal(confusion_KK)[present_K] / images_K[present_K]))
