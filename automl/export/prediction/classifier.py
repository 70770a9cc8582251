"""From pixels to probabilities in one module: normalization, networks, mirror images, temperature.

Whatever is exported computes this module, so all formats give the same answers. B images, C channels, H × W pixels,
K classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from automl.data.batches.normalization import Normalization
from automl.training.evaluation.predictions import pool


class NormalizedNetwork(nn.Module):
    """A network with the normalization that it was trained with."""

    factor_C11: Tensor
    offset_C11: Tensor

    def __init__(self, network: nn.Module, normalization: Normalization) -> None:
        super().__init__()
        mean_C11, std_C11 = normalization.tensors()
        self.network = network
        self.register_buffer("factor_C11", 1 / (255 * std_C11))
        self.register_buffer("offset_C11", mean_C11 / std_C11)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits, B × K float32, of uint8 pixels."""
        logits_BK: Tensor = self.network(images_BCHW.to(torch.float32) * self.factor_C11 - self.offset_C11)
        return logits_BK


class Classifier(nn.Module):
    """One network or an ensemble, for uint8 images B × C × H × W as they come.

    The weighted mean of the members' probabilities is taken before the temperature is applied. So the temperature never
    changes the predicted class, of one network or of many.

    Source: Rahaman & Thiery 2021, "Uncertainty quantification and deep ensembles" (pool first, then calibrate).
    """

    def __init__(
        self, members: Sequence[NormalizedNetwork], shares: Sequence[float], *, temperature: float, tta: bool
    ) -> None:
        """`shares` of the members add up to 1. With `tta` each member also predicts the mirror image."""
        super().__init__()
        self.members = nn.ModuleList(members)
        self.shares = list(shares)
        self.temperature, self.tta = temperature, tta

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Calibrated probabilities, B × K float32."""
        return (self.logits(images_BCHW) / self.temperature).softmax(dim=1)

    def logits(self, images_BCHW: Tensor) -> Tensor:
        """Logits of the ensemble before the temperature, B × K float32."""
        views = [images_BCHW, images_BCHW.flip(3)] if self.tta else [images_BCHW]
        logits = [member(view_BCHW) for member in self.members for view_BCHW in views]
        return pool(logits, [share / len(views) for share in self.shares for _ in views])
