"""The loss: cross entropy, with the label smoothing and the class weights of a recipe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from automl.recipe import Recipe

_WEIGHT_EXPONENTS = {"balanced": 1.0, "square_root": 0.5}


class Objective:
    """Loss of a batch, as a scalar on its device."""

    def __init__(self, recipe: Recipe, class_counts_K: npt.NDArray[np.int64], device: torch.device) -> None:
        self.label_smoothing = recipe.label_smoothing
        self.weight_K: Tensor | None = None
        if exponent := _WEIGHT_EXPONENTS.get(recipe.class_weights):
            weights_K = class_weights(class_counts_K, exponent=exponent)
            self.weight_K = torch.tensor(weights_K, dtype=torch.float32, device=device)

    def __call__(self, logits_BK: Tensor, targets: Tensor) -> Tensor:
        """Mean over the batch; targets are labels (B) or probabilities (B × K)."""
        return cross_entropy(logits_BK.float(), targets, weight=self.weight_K, label_smoothing=self.label_smoothing)

    def weight_of(self, targets: Tensor) -> Tensor:
        """Divisor of the sum over the batch, a scalar: its images, or with class weights the weights of its labels."""
        if self.weight_K is None or targets.is_floating_point():
            return torch.tensor(float(len(targets)), device=targets.device)
        return self.weight_K[targets].sum()


def class_weights(class_counts_K: npt.NDArray[np.int64], *, exponent: float) -> npt.NDArray[np.float64]:
    """(1 / count) ** exponent, scaled so that the mean over the counted images is 1.

    A class without images is treated as one with a single image. Exponent 1 is scikit-learn's `balanced`.
    """
    weights_K: npt.NDArray[np.float64] = np.maximum(class_counts_K, 1.0) ** -exponent
    weights_K *= class_counts_K.sum() / (weights_K @ class_counts_K)
    return weights_K
