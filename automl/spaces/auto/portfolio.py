"""The recipes that the space `auto` tries first, from the cheap to the expensive.

Each is a preference: the nearest values of the space are taken. What the budget does not afford is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from automl.recipe import Value

SHARED: Mapping[str, Value] = {
    "depth": 4,
    "blocks_per_stage": 1,
    "width": 32,
    "stem": "strided3",
    "squeeze_excitation": False,
    "hidden_dim": 128,
    "dropout": 0.3,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "mixup": 0.0,
    "class_weights": "none",
    "augmentation_strength": 1.0,
    "flip": 0.0,
    "learning_rate": 3e-3,
    "batch_size": 64,
}
"""The first recipe of the space `fer2013`, without what is fixed here."""

PORTFOLIO: tuple[Mapping[str, Value], ...] = (
    {"resolution": 32, "depth": 3, "width": 16, "dropout": 0.1, "augmentation_strength": 0.6, "learning_rate": 5e-3},
    {"resolution": 32, "depth": 3},
    {"resolution": 48, "flip": 0.5},
    {"resolution": 64},
    {"resolution": 48, "width": 48, "augmentation_strength": 1.3},
    {"resolution": 64, "squeeze_excitation": True, "flip": 0.5, "weight_decay": 0.1, "learning_rate": 4e-3},
)
"""What differs from SHARED."""
