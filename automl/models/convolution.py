"""Convolution whose weights learn faster on a CPU where the images have become small.

oneDNN's gradient of the weights goes through the images one by one. Where a feature map has only a few places left, the
same sum is one matrix product over all images and places: of 512 channels on 2 × 2 places, 128 images, in bfloat16 it
took 3.6 ms instead of 63, of 256 on 3 × 3 2.9 instead of 15, of 128 on 6 × 6 5.5 instead of 4.9 (one core of an Intel
Xeon with AMX, torch 2.15, oneDNN 3.13, 2026-11; benchmarks/LOG.md).

B images, C channels before and O after, H × W places after, K × K the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

_MOST_PLACES: Mapping[torch.dtype, int] = {torch.bfloat16: 16, torch.float32: 4}
"""H × W up to which the product is the faster way, measured for 64 to 512 channels."""


class Convolution(nn.Conv2d):
    """nn.Conv2d with a square kernel, padding of half of it, without bias."""

    def __init__(self, channels_in: int, channels: int, *, kernel: int, stride: int) -> None:
        super().__init__(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Features, B × O × H × W."""
        if not (self.training and torch.is_grad_enabled() and features_BCHW.device.type == "cpu"):
            return super().forward(features_BCHW)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else features_BCHW.dtype
        if self._places(features_BCHW) > _MOST_PLACES.get(dtype, 0):
            return super().forward(features_BCHW)
        output: Tensor = _WeightsByProduct.apply(features_BCHW.to(dtype), self.weight.to(dtype), self.stride[0])
        return output

    def _places(self, features_BCHW: Tensor) -> int:
        height, width = features_BCHW.shape[2:]
        return -(-height // self.stride[0]) * -(-width // self.stride[0])


class _WeightsByProduct(torch.autograd.Function):
    """A convolution that has its weights' gradient from one matrix product."""

    @staticmethod
    def forward(ctx: Any, features_BCHW: Tensor, weight_OCKK: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(features_BCHW, weight_OCKK)
        ctx.stride = stride
        return torch.conv2d(features_BCHW, weight_OCKK, stride=stride, padding=weight_OCKK.shape[-1] // 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BOHW: Tensor) -> tuple[Tensor | None, Tensor, None]:
        features_BCHW, weight_OCKK = ctx.saved_tensors
        by_features = None
        if ctx.needs_input_grad[0]:
            by_features = _features_gradient(gradient_BOHW, features_BCHW, weight_OCKK, ctx.stride)
        return by_features, weight_gradient(gradient_BOHW, features_BCHW, weight_OCKK.shape[-1], ctx.stride), None


def weight_gradient(gradient_BOHW: Tensor, features_BCHW: Tensor, kernel: int, stride: int) -> Tensor:
    """Gradient of a convolution's weights, O × C × K × K, from that of its result."""
    channels_out, channels_in = gradient_BOHW.shape[1], features_BCHW.shape[1]
    gradient_RO = gradient_BOHW.permute(0, 2, 3, 1).reshape(-1, channels_out)  # R = B × H × W
    patches_RP = _patches(features_BCHW, gradient_BOHW.shape[2:], kernel, stride)
    weights_OKKC = (gradient_RO.t() @ patches_RP).view(channels_out, kernel, kernel, channels_in)
    return weights_OKKC.permute(0, 3, 1, 2)


def _patches(features_BCHW: Tensor, places: torch.Size, kernel: int, stride: int) -> Tensor:
    """What each place of the result looks at, one row a place: (B × H × W) × (K × K × C)."""
    reach, channels = kernel // 2, features_BCHW.shape[1]
    padded_BHWC = pad(features_BCHW.permute(0, 2, 3, 1), (0, 0, reach, reach, reach, reach)).contiguous()
    by_image, by_row, by_column, _ = padded_BHWC.stride()
    shape = (len(features_BCHW), *places, kernel, kernel, channels)
    windows = padded_BHWC.as_strided(shape, (by_image, stride * by_row, stride * by_column, by_row, by_column, 1))
    return windows.reshape(-1, kernel * kernel * channels)


def _features_gradient(gradient_BOHW: Tensor, features_BCHW: Tensor, weight_OCKK: Tensor, stride: int) -> Tensor:
    reach = weight_OCKK.shape[-1] // 2
    by_features, _, _ = torch.ops.aten.convolution_backward(
        gradient_BOHW, features_BCHW, weight_OCKK, None, (stride,) * 2, (reach,) * 2, (1, 1),
        False, (0, 0), 1, (True, False, False),
    )  # fmt: skip
    return by_features  # type: ignore[no-any-return]
