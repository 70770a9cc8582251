"""The eight ways to lay a square image without interpolating: flips and quarter turns, sampled for each of a batch.

B images, C channels, H × W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from automl.data.batches.random_params import chosen
from automl.data.batches.transfer import to_device
from automl.recipe import Recipe


class Orientation(NamedTuple):
    """What is done to each image, in this order; on the host, so that asking whether anything is never waits."""

    transposed_B: Tensor
    """Rows become columns; never true of oblong images, which would change their shape."""
    upside_down_B: Tensor
    mirrored_B: Tensor


def sample_orientation(recipe: Recipe, shape: torch.Size, generator: torch.Generator) -> Orientation:
    """Flips and turns of images B × C × H × W.

    One quarter turn is a transposition and an upside-down flip, two are both flips, three a transposition and a mirror.
    """
    mirrored_B = chosen(recipe.flip, shape[0], generator)
    upside_down_B = torch.zeros_like(mirrored_B)
    turns_B = torch.zeros(shape[0], dtype=torch.int64)
    if recipe.vertical_flip:
        upside_down_B = chosen(recipe.vertical_flip, shape[0], generator)
    if recipe.quarter_turns:
        turns_B = _turns(recipe.quarter_turns, shape, generator)
    one_or_two_B, two_or_three_B = (turns_B == 1) | (turns_B == 2), turns_B >= 2
    return Orientation(turns_B % 2 == 1, upside_down_B ^ one_or_two_B, mirrored_B ^ two_or_three_B)


def transpose(images_BCHW: Tensor, transposed_B: Tensor) -> Tensor:
    """Exchange rows and columns of the chosen images."""
    return _changed(images_BCHW, transposed_B, lambda images: images.transpose(2, 3))


def flip(images_BCHW: Tensor, chosen_B: Tensor, *, axis: int) -> Tensor:
    """Flip the chosen images: axis 2 turns them upside down, axis 3 mirrors them."""
    return _changed(images_BCHW, chosen_B, lambda images: images.flip(axis))


def _turns(probability: float, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Quarter turns of each image: 1 to 3 of the chosen, 2 where the image is oblong."""
    turned_B = chosen(probability, shape[0], generator)
    turns_B = torch.randint(1, 4, turned_B.shape, generator=generator)
    return turned_B * (turns_B if shape[2] == shape[3] else 2)


def _changed(images_BCHW: Tensor, chosen_B: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    if not chosen_B.any():
        return images_BCHW
    chosen_B111 = to_device(chosen_B, images_BCHW.device)[:, None, None, None]
    return torch.where(chosen_B111, change(images_BCHW), images_BCHW)
