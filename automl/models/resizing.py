"""Images resized in front of a network, with antialiasing.

Bilinear resizing is linear in the pixels and works on rows and columns apart, so it is two matrix products. Every
export format has those, and no format needs an operator of its own.

B images, C channels, H × W pixels before, S × T after.
"""

from __future__ import annotations

import contextlib

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from automl.models.geometry import ImageShape


class Resize(nn.Module):
    """Antialiased bilinear resizing from one shape of images to another, without weights.

    It gives what `interpolate(..., mode="bilinear", antialias=True)` gives, within float32's rounding.
    """

    rows_SH: Tensor
    columns_WT: Tensor

    def __init__(self, before: ImageShape, after: ImageShape) -> None:
        super().__init__()
        self.after = after
        # Not part of the state: they follow from the two shapes.
        self.register_buffer("rows_SH", _weights(before[1], after[1]), persistent=False)
        self.register_buffer("columns_WT", _weights(before[2], after[2]).t().contiguous(), persistent=False)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Images, B × C × S × T in the type they came in; those that have this size pass through."""
        if images_BCHW.shape[2:] == self.after[1:]:
            return images_BCHW
        with _without_autocast(images_BCHW.device.type):
            resized_BCST = self.rows_SH @ images_BCHW.to(torch.float32) @ self.columns_WT
        return resized_BCST.to(images_BCHW.dtype)


class ResizedNetwork(nn.Module):
    """A network behind the resizing of its images."""

    def __init__(self, network: nn.Module, before: ImageShape, after: ImageShape) -> None:
        super().__init__()
        self.resize = Resize(before, after)
        self.network = network

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits, B × K, of images of their own size or of the network's."""
        logits_BK: Tensor = self.network(self.resize(images_BCHW))
        return logits_BK


def _weights(before: int, after: int) -> Tensor:
    """Shares of the pixels of a side in each pixel after it, after × before. Each row adds up to 1.

    Always on the host: a network of weights to come is built without memory.
    """
    one_hot_11HH = torch.eye(before, device="cpu")[None, None]
    return interpolate(one_hot_11HH, size=(after, before), mode="bilinear", antialias=True)[0, 0]


def _without_autocast(device_type: str) -> contextlib.AbstractContextManager[object]:
    """Keep float32, as an exported model computes; outside of autocast no program has to express it."""
    if not torch.is_autocast_enabled(device_type):
        return contextlib.nullcontext()
    return torch.autocast(device_type, enabled=False)
