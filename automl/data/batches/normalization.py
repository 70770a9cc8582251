"""Mean and standard deviation of the training pixels, and their use: uint8 to numbers a network learns from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.data.batches.transfer import to_device
from automl.data.dataset import Split
from automl.data.decoding.arrays import blocks_of

_LEVELS = np.arange(256) / 255
_SMALLEST_STD = 1 / 255
"""Standard deviation of a constant channel: dividing by it leaves zeros."""


@dataclass(frozen=True)
class Normalization:
    """Per channel, of pixels in 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images_BCHW: Tensor) -> Tensor:
        """Turn uint8 pixels into float32 of mean 0 and standard deviation 1, in the memory format they came."""
        mean_C11, std_C11 = self.tensors()
        factor_C11 = to_device(1 / (255 * std_C11), images_BCHW.device)
        offset_C11 = to_device(mean_C11 / std_C11, images_BCHW.device)
        return images_BCHW.to(torch.float32).mul(factor_C11).sub_(offset_C11)

    def tensors(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation as C × 1 × 1 float32 on the host."""
        return torch.tensor(self.mean).view(-1, 1, 1), torch.tensor(self.std).view(-1, 1, 1)


def measure_normalization(split: Split) -> Normalization:
    """Exact figures of a whole split, from a histogram of its pixel values."""
    counts_CL = _histogram(split)
    shares_CL = counts_CL / counts_CL.sum(axis=1, keepdims=True)
    mean_C = shares_CL @ _LEVELS
    std_C = np.sqrt(shares_CL @ _LEVELS**2 - mean_C**2)
    return Normalization(tuple(mean_C.tolist()), tuple(np.maximum(std_C, _SMALLEST_STD).tolist()))


def _histogram(split: Split) -> npt.NDArray[np.int64]:
    """How often each of the 256 levels occurs in each channel, C × 256."""
    channels = split.images_MHWC.shape[-1]
    counts_CL = np.zeros((channels, 256), dtype=np.int64)
    for rows in blocks_of((len(split), *split.images_MHWC.shape[1:])):
        pixels = torch.from_numpy(split.images_MHWC[split.rows_N[rows]])
        for channel in range(channels):
            counts_CL[channel] += torch.bincount(pixels[..., channel].reshape(-1), minlength=256).numpy()
    return counts_CL
