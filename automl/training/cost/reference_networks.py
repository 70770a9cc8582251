"""Networks whose training is timed to know how fast a device is: little and much of each unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from automl.recipe import Recipe, Value

AUGMENTED = Recipe(rotation_degrees=12, shift=0.1, zoom=0.1, brightness=0.2, contrast=0.2, saturation=0.2, flip=0.5)
"""What all reference networks are trained with."""


class Reference(NamedTuple):
    """A network that is measured."""

    side: int
    """Height and width of its images in pixels."""
    channels: int
    recipe: Recipe


def _reference(side: int, channels: int, batch_size: int, **fields: Value) -> Reference:
    values = {**AUGMENTED.as_dict(), "batch_size": batch_size, **fields}
    return Reference(side, channels, Recipe.from_mapping(values))


STRIDED: Mapping[str, Value] = {"block": "residual", "stem": "strided3", "downsample": "stride"}
IMAGES: Sequence[Reference] = (
    _reference(32, 1, 16, depth=0),
    _reference(32, 3, 64, depth=0, hidden_dim=256),
    _reference(96, 3, 128, depth=0),
    _reference(32, 1, 16, depth=3, width=16, blocks_per_stage=2, **STRIDED),
    _reference(32, 3, 16, depth=3, width=48, block="residual", downsample="stride"),
    _reference(48, 1, 32, depth=4, width=32, **STRIDED),
    _reference(48, 3, 8, depth=4, width=64, **STRIDED),
    _reference(96, 3, 16, depth=2, width=16, pooling="flatten", hidden_dim=64),
    _reference(96, 3, 8, depth=3, width=24, squeeze_excitation=True, **STRIDED),
)
SMALL_IMAGES: Sequence[Reference] = (
    _reference(8, 1, 64, depth=0, hidden_dim=128),
    _reference(8, 1, 16, depth=2, width=16, block="residual"),
    _reference(8, 3, 64, depth=2, width=32, blocks_per_stage=2, block="residual"),
    _reference(15, 3, 64, depth=2, width=32),
    _reference(15, 1, 256, depth=0),
    _reference(15, 1, 16, depth=3, width=48, block="residual", downsample="stride"),
    _reference(12, 3, 64, depth=1, width=16, pooling="flatten", hidden_dim=256),
)
