"""Forward pass over many images, for validation and for exported models alike."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from automl.data.batches.batching import SplitImages, evaluation_batches
from automl.data.batches.normalization import Normalization
from automl.models.resizing import Resize
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
    on_batch: Callable[[], None] = lambda: None,
) -> Tensor:
    """Logits of all images in order, N × K float32 on the device; the network is left in evaluation mode.

    `most`: largest number of images at a time, where memory is short. `on_batch` is called after each batch.
    """
    batch_size = at_once(images, model)
    if most is not None:
        batch_size = min(batch_size, most)
    batches = evaluation_batches(images, normalization, batch_size=batch_size, dtype=DTYPES[precision])
    model.eval()
    with torch.inference_mode(), compute_in(precision, images.device):
        logits = []
        for images_BCHW in batches:
            logits.append(model(images_BCHW))
            on_batch()
        return torch.cat(logits).float()


def at_once(images: SplitImages, model: nn.Module) -> int:
    """Number of images that are predicted at once, by their size or by the one that the network gives them."""
    resized = [math.prod(module.after) for module in model.modules() if isinstance(module, Resize)]
    return max(_VALUES_AT_ONCE // max(math.prod(images.shape_HWC), *resized, 1), 1)
