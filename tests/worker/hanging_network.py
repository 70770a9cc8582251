"""A network of a user's that hangs when it is told to."""

from __future__ import annotations

import threading

from torch import Tensor, nn

from automl.recipe import Recipe

BATCHES_BEFORE = 3
"""Batches that a network computes before it may hang."""
MAY_HANG = threading.Event()
"""Whether the batch after these hangs."""
HANGING = threading.Event()
"""Whether a batch hangs."""
GO_ON = threading.Semaphore(0)
"""Lets one batch that hangs go on."""


class Hanging(nn.Linear):
    """A linear classifier."""

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits, sooner or later."""
        self.batches = getattr(self, "batches", 0) + self.training
        if self.batches == BATCHES_BEFORE + 1 and self.training and MAY_HANG.is_set():
            HANGING.set()
            GO_ON.acquire()
        return super().forward(images_BCHW.flatten(1).float())


def build(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """The network of a recipe."""
    channels, height, width = image_shape
    return Hanging(channels * height * width, num_classes)
