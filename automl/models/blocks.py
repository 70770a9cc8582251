"""Building blocks of the convolutional family: plain and residual blocks, channel attention, stochastic depth.

B images, C channels, H × W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from automl.models.convolution import Convolution


class PlainBlock(nn.Module):
    """3 × 3 convolution, batch normalization, ReLU; then channel attention and dropout where asked.

    A pooling stands right after the convolution, so that the rest runs on a quarter of the pixels: a training step of
    four such stages from 32 channels on 128 images of 48 × 48 took 142 ms instead of 192 (one core with avx512_bf16,
    torch 2.15, bfloat16, 2026-11).
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        stride: int = 1,
        pool: bool = False,
        squeeze_excitation: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(channels_in, channels, stride=stride),
            *([nn.MaxPool2d(2)] if pool else []),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            *([SqueezeExcitation(channels)] if squeeze_excitation else []),
            *([nn.Dropout2d(dropout)] if dropout else []),
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Features of this block, halved if it strides or pools."""
        return self.layers(features_BCHW)  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions with a shortcut around them; where the shape changes the shortcut is a 1 × 1 convolution.

    A pooling stands before the last ReLU, where it gives the same and leaves a quarter of the pixels to it. The branch
    is not started at zero, as is often done for SGD (Goyal et al. 2017, section 5.1): with Adam the scale that has to
    grow moves by a learning rate a step, and a short run has no time for that (benchmarks/LOG.md).

    Source: He et al. 2015, section 3.3, option B.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        *,
        stride: int = 1,
        pool: bool = False,
        squeeze_excitation: bool = False,
        dropout: float = 0.0,
        skip_probability: float = 0.0,
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            convolution(channels_in, channels, stride=stride),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            convolution(channels, channels),
            nn.BatchNorm2d(channels),
            *([SqueezeExcitation(channels)] if squeeze_excitation else []),
            *([StochasticDepth(skip_probability)] if skip_probability else []),
        )
        self.shortcut = _shortcut(channels_in, channels, stride)
        self.after = nn.Sequential(
            *([nn.MaxPool2d(2)] if pool else []),
            nn.ReLU(inplace=True),
            *([nn.Dropout2d(dropout)] if dropout else []),
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Features of this block, halved if it strides or pools."""
        return self.after(self.branch(features_BCHW) + self.shortcut(features_BCHW))  # type: ignore[no-any-return]


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate in [0, 1], computed from all channels' means.

    Source: Hu et al. 2018, section 3.
    """

    def __init__(self, channels: int, *, reduction: int = 4) -> None:
        super().__init__()
        squeezed = max(channels // reduction, 4)
        self.gates = nn.Sequential(
            nn.Linear(channels, squeezed), nn.ReLU(inplace=True), nn.Linear(squeezed, channels), nn.Sigmoid()
        )

    def forward(self, features_BCHW: Tensor) -> Tensor:
        """Gated features, in the shape they came."""
        gates_BC = self.gates(features_BCHW.mean((2, 3)))
        return torch.mul(features_BCHW, gates_BC[:, :, None, None])


class StochasticDepth(nn.Module):
    """While training, zeroes a residual branch for a random share of the images and raises it for the others.

    Source: Huang et al. 2016, section 3.
    """

    def __init__(self, skip_probability: float) -> None:
        super().__init__()
        self.skip_probability = skip_probability

    def forward(self, branch_BCHW: Tensor) -> Tensor:
        """Return the branch. Its mean over many random masks is unchanged."""
        if not self.training:
            return branch_BCHW
        kept = 1 - self.skip_probability
        scale_B111 = branch_BCHW.new_empty((len(branch_BCHW), 1, 1, 1)).bernoulli_(kept).div_(kept)
        return torch.mul(branch_BCHW, scale_B111)


def convolution(channels_in: int, channels: int, *, kernel: int = 3, stride: int = 1) -> Convolution:
    """Padded convolution that keeps the sides, or halves them (rounded up) at stride 2; without bias."""
    return Convolution(channels_in, channels, kernel=kernel, stride=stride)


def _shortcut(channels_in: int, channels: int, stride: int) -> nn.Module:
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return nn.Sequential(convolution(channels_in, channels, kernel=1, stride=stride), nn.BatchNorm2d(channels))
