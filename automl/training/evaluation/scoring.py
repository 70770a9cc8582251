"""Loss and confusion matrix of a network on a split, for validation and for exported models alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from automl.training.evaluation import confusion_scores as metrics


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one network on one split."""

    loss: float
    """Cross entropy in nats, without smoothing or class weights."""
    confusion_KK: npt.NDArray[np.int64]
    """Confusion matrix: true classes down, predicted ones across."""

    @property
    def accuracy(self) -> float:
        """Share of the images that are classified correctly."""
        return metrics.accuracy(self.confusion_KK)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes."""
        return metrics.macro_f1(self.confusion_KK)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the classes."""
        return metrics.balanced_accuracy(self.confusion_KK)


@torch.inference_mode()
def evaluate_logits(logits_NK: Tensor, labels_N: npt.NDArray[np.int64]) -> Evaluation:
    """Compare logits, on any device, with the true classes."""
    labels = torch.tensor(labels_N, device=logits_NK.device)
    confusion_KK = metrics.confusion_matrix(labels, logits_NK.argmax(dim=1), logits_NK.shape[1])
    return Evaluation(float(cross_entropy(logits_NK, labels)), confusion_KK.cpu().numpy())
