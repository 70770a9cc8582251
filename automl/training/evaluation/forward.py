"""Forward pass over many images, for validation and for exported models alike."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from automl.data.batches.batching import SplitImages, evaluation_batches
from automl.data.batches.normalization import Normalization
from automl.training.device import DTYPES, Precision, compute_in

_VALUES_AT_ONCE = 2**20
"""Number of pixel values in a prediction batch: 455 grayscale images of 48 × 48."""


def predict_logits(
    model: nn.Module,
    images: SplitImages,
    *,
    normalization: Normalization,
    precision: Precision,
    most: int | None = None,
) -> Tensor:
    """Logits of all images in order, N × K float32 on the device; the network is left in evaluation mode.

    `most`: largest number of images at a time, where memory is short.
    """
    batch_size = min(at_once(images), most or at_once(images))
    batches = evaluation_batches(images, normalization, batch_size=batch_size, dtype=DTYPES[precision])
    model.eval()
    with torch.inference_mode(), compute_in(precision, images.device):
        return torch.cat([model(images_BCHW) for images_BCHW in batches]).float()


def at_once(images: SplitImages) -> int:
    """Number of images that are predicted at once."""
    return max(_VALUES_AT_ONCE // math.prod(images.shape_HWC), 1)
