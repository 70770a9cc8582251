"""Convolution that is faster on a CPU where the images have become small.

Where a feature map has only a few positions left, the result and both gradients are one matrix product each, over all
images and positions. oneDNN computes the gradient of the weights image by image. For 256 channels on 3 × 3 positions
and 128 images in bfloat16, the product takes 2.9 ms instead of 15. With a million weights, oneDNN spends its time on
reordering them, for the result and again for the gradient of the features. For 512 channels on 2 × 2 positions that
takes 21.6 and 22.4 ms, the products 2.4 and 2.8 (one core of an Intel Xeon with AMX, torch 2.15, oneDNN 3.13, 2026-11;
benchmarks/LOG.md).

B images, C channels before and O after, H × W positions after, K × K the kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

_MAX_POSITIONS: Mapping[torch.dtype, int] = {torch.bfloat16: 16, torch.float32: 4}
"""Largest H × W for which the weights' gradient is faster as a product, measured for 64 to 512 channels."""
_MANY_WEIGHTS, _MAX_POSITIONS_OF_MANY = 2**20, 16
"""Fewest weights and most positions for which everything is faster as a product, in either type."""


class Convolution(nn.Conv2d):
    """nn.Conv2d with a square kernel, padding of half of it, without bias."""

    def __init__(self, channels_in: int, channels: int, *, kernel: int, stride: int) -> None:
        super().__init__(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Features, B × O × H × W."""
        if not (self.training and torch.is_grad_enabled() and features_BCHW.device.type == "cpu"):
            return super().forward(features_BCHW)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else features_BCHW.dtype
        height, width = _positions(features_BCHW, self.stride[0])
        wholly = self.weight.numel() >= _MANY_WEIGHTS and height * width <= _MAX_POSITIONS_OF_MANY
        if not wholly and height * width > _MAX_POSITIONS.get(dtype, 0):
            return super().forward(features_BCHW)
        output: Tensor = _ByProducts.apply(features_BCHW.to(dtype), self.weight.to(dtype), self.stride[0], wholly)
        return output


class _ByProducts(torch.autograd.Function):
    """A convolution that has its weights' gradient from one matrix product, and where `wholly` everything."""

    @staticmethod
    def forward(ctx: Any, features_BCHW: Tensor, weight_OCKK: Tensor, stride: int, wholly: bool) -> Tensor:
        ctx.save_for_backward(features_BCHW, weight_OCKK)
        ctx.stride, ctx.wholly = stride, wholly
        if wholly:
            return convolved(features_BCHW, weight_OCKK, stride)
        return torch.conv2d(features_BCHW, weight_OCKK, stride=stride, padding=weight_OCKK.shape[-1] // 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_BOHW: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        features_BCHW, weight_OCKK = ctx.saved_tensors
        by_features = None
        if ctx.needs_input_grad[0]:
            way = features_gradient if ctx.wholly else _features_gradient_of_torch
            by_features = way(gradient_BOHW, features_BCHW, weight_OCKK, ctx.stride)
        return by_features, weight_gradient(gradient_BOHW, features_BCHW, weight_OCKK.shape[-1], ctx.stride), None, None


def convolved(features_BCHW: Tensor, weight_OCKK: Tensor, stride: int) -> Tensor:
    """Result of a convolution, B × O × H × W."""
    positions = _positions(features_BCHW, stride)
    patches_RP = _patches(features_BCHW, positions, weight_OCKK.shape[-1], stride)  # R = B × H × W, P = K × K × C
    result_RO = patches_RP @ _by_patch(weight_OCKK).t()
    return result_RO.view(len(features_BCHW), *positions, -1).permute(0, 3, 1, 2)


def weight_gradient(gradient_BOHW: Tensor, features_BCHW: Tensor, kernel: int, stride: int) -> Tensor:
    """Gradient of a convolution's weights, O × C × K × K, from that of its result."""
    channels_out, channels_in = gradient_BOHW.shape[1], features_BCHW.shape[1]
    patches_RP = _patches(features_BCHW, gradient_BOHW.shape[2:], kernel, stride)
    weights_OKKC = (_by_position(gradient_BOHW).t() @ patches_RP).view(channels_out, kernel, kernel, channels_in)
    return weights_OKKC.permute(0, 3, 1, 2)


def features_gradient(gradient_BOHW: Tensor, features_BCHW: Tensor, weight_OCKK: Tensor, stride: int) -> Tensor:
    """Gradient of what a convolution was given, B × C × its height × its width, from that of its result."""
    count, channels, height, width = features_BCHW.shape
    kernel, (rows, columns) = weight_OCKK.shape[-1], gradient_BOHW.shape[2:]
    patches_RP = _by_position(gradient_BOHW) @ _by_patch(weight_OCKK)
    patches_BHWKKC = patches_RP.view(count, rows, columns, kernel, kernel, channels)
    reach = kernel // 2
    # In float32, for each pixel is in up to K × K patches, whose rounding would add up.
    padded_BHWC = patches_RP.new_zeros(count, height + 2 * reach, width + 2 * reach, channels, dtype=torch.float32)
    for down in range(kernel):
        for right in range(kernel):
            pixels = padded_BHWC[:, down : down + stride * rows : stride, right : right + stride * columns : stride]
            pixels += patches_BHWKKC[:, :, :, down, right]
    inside_BHWC = padded_BHWC[:, reach : reach + height, reach : reach + width]
    return inside_BHWC.to(gradient_BOHW.dtype).permute(0, 3, 1, 2)


def _positions(features_BCHW: Tensor, stride: int) -> tuple[int, int]:
    height, width = features_BCHW.shape[2:]
    return -(-height // stride), -(-width // stride)


def _by_position(gradient_BOHW: Tensor) -> Tensor:
    """One row for each position of an image."""
    return gradient_BOHW.permute(0, 2, 3, 1).reshape(-1, gradient_BOHW.shape[1])


def _by_patch(weight_OCKK: Tensor) -> Tensor:
    """One row for each channel of the result, in the order of `_patches`."""
    return weight_OCKK.permute(0, 2, 3, 1).reshape(len(weight_OCKK), -1)


def _patches(features_BCHW: Tensor, positions: tuple[int, ...], kernel: int, stride: int) -> Tensor:
    """The patch under each position of the result, one row a position: (B × H × W) × (K × K × C)."""
    reach, channels = kernel // 2, features_BCHW.shape[1]
    padded_BHWC = pad(features_BCHW.permute(0, 2, 3, 1), (0, 0, reach, reach, reach, reach)).contiguous()
    by_image, by_row, by_column, _ = padded_BHWC.stride()
    shape = (len(features_BCHW), *positions, kernel, kernel, channels)
    windows = padded_BHWC.as_strided(shape, (by_image, stride * by_row, stride * by_column, by_row, by_column, 1))
    return windows.reshape(-1, kernel * kernel * channels)


def _features_gradient_of_torch(
    gradient_BOHW: Tensor, features_BCHW: Tensor, weight_OCKK: Tensor, stride: int
) -> Tensor:
    reach = weight_OCKK.shape[-1] // 2
    by_features, _, _ = torch.ops.aten.convolution_backward(
        gradient_BOHW, features_BCHW, weight_OCKK, None, (stride,) * 2, (reach,) * 2, (1, 1),
        False, (0, 0), 1, (True, False, False),
    )  # fmt: skip
    return by_features  # type: ignore[no-any-return]
