"""Random parameters of a batch, a few an image, always sampled on the host: the same whatever device computes."""

from __future__ import annotations

import torch
from torch import Tensor


def chosen(probability: float, count: int, generator: torch.Generator) -> Tensor:
    """True for a random share of the images."""
    return torch.rand(count, generator=generator) < probability


def signed(count: int, generator: torch.Generator) -> Tensor:
    """Uniform in -1 to 1."""
    return 2 * torch.rand(count, generator=generator) - 1


def between(bounds: tuple[float, float], count: int, generator: torch.Generator) -> Tensor:
    """Uniform between the bounds."""
    low, high = bounds
    return low + (high - low) * torch.rand(count, generator=generator)
