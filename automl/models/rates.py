"""How fast a device trains: seconds by unit of work, and with them a forecast of a recipe's seconds an epoch.

The rates are measured by `automl/training/cost.py`. Here is arithmetic without torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.models.geometry import ImageShape, input_shape
from automl.models.work import Work, work_of
from automl.recipe import Recipe

SMALL_IMAGE_PIXELS = 16 * 16
"""Images with fewer pixels than these are computed in float32 on a CPU (`automl/training/device.py`)."""
EVALUATED_VALUES = 2**20
"""Pixel values that are predicted at once (`automl/training/evaluation/forward.py`)."""
TRAINING_UNITS = ("step", "layer", "parameter", "pixel", "multiply-accumulate", "value")
"""Units of work of a training pass: the first three by step, the others by image.

More of them told no more: convolutions of few channels, linear layers, resampled pixels and convolved values apart left
the spread of forecasts as it was (benchmarks/LOG.md).
"""
EVALUATION_UNITS = ("layer", "pixel", "multiply-accumulate", "value")
"""Units of work of an evaluation: layers by batch, the others by image."""


@dataclass(frozen=True)
class UnitSeconds:
    """Seconds by unit of work, in the order of TRAINING_UNITS and of EVALUATION_UNITS."""

    training: tuple[float, ...]
    evaluation: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What was measured on a device."""

    device: str
    """Description of device, threads and precision, for people."""
    images: UnitSeconds
    """For networks on images of at least SMALL_IMAGE_PIXELS."""
    small_images: UnitSeconds
    factor: float = 1.0
    """Seconds of real epochs, as a multiple of what was measured at first."""

    def seconds_an_epoch(
        self, recipe: Recipe, image_shape: ImageShape, num_classes: int, *, train: int, validation: int
    ) -> float:
        """Forecast of an epoch with its validation, for so many images in the two splits.

        Raises: ModelError where the recipe does not fit the images.
        """
        _, height, width = input_shape(recipe, image_shape)
        seconds = self.small_images if height * width < SMALL_IMAGE_PIXELS else self.images
        work = work_of(recipe, image_shape, num_classes)
        of_training = _dot(seconds.training, training_units(recipe, work, images=train))
        return self.factor * (of_training + _dot(seconds.evaluation, evaluation_units(work, images=validation)))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Rates:
        """Read back what `as_dict` wrote."""
        read = {name: _unit_seconds(document[name]) for name in ("images", "small_images")}
        return cls(**{**document, **read})


def training_units(recipe: Recipe, work: Work, *, images: int) -> tuple[float, ...]:
    """Units of work of a training pass over so many images, in the order of TRAINING_UNITS."""
    steps = max(images // recipe.batch_size, 1)
    by_step = (1, len(work.layers), work.parameters)
    by_image = (work.pixels, work.multiply_accumulates, work.values)
    return (*(steps * amount for amount in by_step), *(images * amount for amount in by_image))


def evaluation_units(work: Work, *, images: int) -> tuple[float, ...]:
    """Units of work of predicting so many images, in the order of EVALUATION_UNITS."""
    batches = -(-images // max(EVALUATED_VALUES // work.pixels, 1))
    by_image = (work.pixels, work.multiply_accumulates, work.values)
    return (batches * len(work.layers), *(images * amount for amount in by_image))


def _dot(seconds: tuple[float, ...], units: tuple[float, ...]) -> float:
    return sum(second * unit for second, unit in zip(seconds, units, strict=True))


def _unit_seconds(document: Mapping[str, Any]) -> UnitSeconds:
    return UnitSeconds(tuple(document["training"]), tuple(document["evaluation"]))
