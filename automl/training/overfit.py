"""The experimenter's own first test: a network that cannot learn twenty images by heart will not learn a data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from automl.data.dataset import DataSet, Split
from automl.models.building import Builder, build_model
from automl.recipe import FIELDS, Recipe
from automl.training.loop import Training
from automl.training.result import METRICS

IMAGES = 20
EPOCHS = 30
BARE = (
    *("dropout", "block_dropout", "weight_decay", "label_smoothing", "stochastic_depth", "mixup", "class_weights"),
    *("flip", "vertical_flip", "quarter_turns", "rotation_degrees", "shift", "zoom", "pad_pixels"),
    *("brightness", "contrast", "saturation", "hue", "erasing", "blur"),
    *("ema", "momentum"),
)
"""Fields that go back to their defaults: regularization, augmentation, and the average, which lags in so few steps."""
CALM: Mapping[str, Any] = {
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "schedule": "one_cycle",
    "batch_size": 10,
    "epochs": EPOCHS,
}
"""The optimization of the test, whatever the space has: it is about the network and the images."""


@dataclass(frozen=True)
class Learning:
    """How far a network came on the few images."""

    images: int
    epochs: int
    """Epochs trained: up to the one in which all was right, else all."""
    train_accuracy: float
    """Of the last epoch, in training mode."""
    evaluation_accuracy: float
    """Of the last epoch, in evaluation mode: other statistics in batch normalization, and nothing random."""

    @property
    def is_complete(self) -> bool:
        """Whether every image was classified rightly in both modes."""
        return self.train_accuracy == self.evaluation_accuracy == 1.0


def learn_by_heart(
    recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder = build_model
) -> Learning:
    """Train the bare network of a recipe on a few images of `train`, until it knows them all or the epochs are over.

    Raises: ModelError if the network cannot be built for these images. DivergedError if a loss is NaN or infinite.
    """
    few = few_images(data)
    training = Training(bare(recipe), few, metric=METRICS["accuracy"], device=device, build=build)
    for result in training.epochs():
        learning = Learning(
            len(few.splits["train"]), result.epoch + 1, result.train_accuracy, result.validation_accuracy
        )
        if learning.is_complete:
            break
    return learning


def bare(recipe: Recipe) -> Recipe:
    """The recipe's network without regularization and augmentation, with a calm optimization."""
    defaults = {name: FIELDS[name].default for name in BARE}
    return Recipe.from_mapping({**recipe.as_dict(), **defaults, **CALM})


def few_images(data: DataSet, *, count: int = IMAGES) -> DataSet:
    """`count` images of `train`, as many of each class as of the others as far as they go; also as `validation`."""
    train = data.splits["train"]
    chosen_N = _spread(train.labels_N, count)
    few = Split(train.images_MHWC, train.rows_N[chosen_N], train.labels_N[chosen_N])
    return dataclasses.replace(data, splits={"train": few, "validation": few})


def _spread(labels_N: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Places, ascending, of the first images of each class in a random order."""
    shuffled_N = np.random.default_rng(0).permutation(len(labels_N))
    rank_N = np.empty(len(labels_N), np.int64)
    for label in np.unique(labels_N):
        of_class = shuffled_N[labels_N[shuffled_N] == label]
        rank_N[of_class] = np.arange(len(of_class))
    by_rank_N = shuffled_N[np.argsort(rank_N[shuffled_N], kind="stable")]
    return np.sort(by_rank_N[:count])
