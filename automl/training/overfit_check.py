"""The experimenter's own first test: a network that cannot learn twenty images by heart will not learn a data set."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from automl.data.dataset import DataSet, Split
from automl.metrics import METRICS
from automl.models.building import Builder, build_model
from automl.recipe import FIELDS, Recipe
from automl.training.loop import Training

IMAGES = 20
EPOCHS = 30
BARE = (
    *("dropout", "block_dropout", "weight_decay", "label_smoothing", "stochastic_depth", "mixup", "class_weights"),
    *("flip", "vertical_flip", "quarter_turns", "rotation_degrees", "shift", "zoom", "pad_pixels"),
    *("brightness", "contrast", "saturation", "hue", "erasing", "blur"),
    "ema",
)
"""Fields that go back to their defaults: regularization, augmentation, and the average, which lags in so few steps."""


@dataclass(frozen=True)
class Patience:
    """How long, and how boldly, a network may learn, whatever the optimization of its space."""

    repeats: int
    """How often an epoch shows every image."""
    batch_size: int
    learning_rate: float


ATTEMPTS = (Patience(1, 10, 3e-3), Patience(40, 20, 3e-2))
"""The second is for networks that end in the mean of a few channels and need hundreds of steps: on 20 faces of 48 × 48
pixels one plain stage of 16 channels reached 0.25 in 60 steps of the first, and 1.0 in the 21st epoch of the second,
where all networks of 150,000 to 40 million parameters took 5 to 27 epochs of the first (torch 2.15, CPU, 2026-11)."""


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
    def worst(self) -> float:
        """The lower of the two accuracies."""
        return min(self.train_accuracy, self.evaluation_accuracy)

    @property
    def is_complete(self) -> bool:
        """Whether every image was classified rightly in both modes."""
        return self.worst == 1


def learn_by_heart(recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder = build_model) -> Learning:
    """Train the bare network of a recipe on a few images of `train`, until it knows them all or the epochs are over.

    Raises: ModelError if the network cannot be built for these images. DivergedError if a loss is NaN or infinite.
    """
    for patience in ATTEMPTS:
        learning = _attempt(bare(recipe, patience), few_images(data, repeats=patience.repeats), device, build)
        if learning.is_complete:
            break
    return learning


def _attempt(recipe: Recipe, few: DataSet, device: torch.device, build: Builder) -> Learning:
    training = Training(recipe, few, metric=METRICS["accuracy"], device=device, build=build)
    images = len(few.splits["validation"])
    for result in training.epochs():
        learning = Learning(images, result.epoch + 1, result.train_accuracy, result.validation_accuracy)
        if learning.is_complete:
            break
    return learning


def bare(recipe: Recipe, patience: Patience) -> Recipe:
    """The recipe's network without regularization and augmentation, with an optimization for few images."""
    optimization = {
        "optimizer": "adamw",
        "learning_rate": patience.learning_rate,
        "schedule": "one_cycle",
        "batch_size": patience.batch_size,
        "epochs": EPOCHS,
    }
    defaults = {name: FIELDS[name].default for name in BARE}
    return Recipe.from_mapping({**recipe.as_dict(), **defaults, **optimization})


def few_images(data: DataSet, *, repeats: int = 1) -> DataSet:
    """IMAGES of `train`, as many of each class as of the others as far as they go; once each as `validation`."""
    train = data.splits["train"]
    chosen_N = _spread(train.labels_N, IMAGES)
    rows_N, labels_N = train.rows_N[chosen_N], train.labels_N[chosen_N]
    repeated = Split(train.images_MHWC, rows_N.repeat(repeats), labels_N.repeat(repeats))
    return dataclasses.replace(
        data, splits={"train": repeated, "validation": Split(train.images_MHWC, rows_N, labels_N)}
    )


def _spread(labels_N: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Places, ascending, of the first images of each class in a random order."""
    shuffled_N = np.random.default_rng(0).permutation(len(labels_N))
    rank_N = np.empty(len(labels_N), np.int64)
    for label in np.unique(labels_N):
        of_class = shuffled_N[labels_N[shuffled_N] == label]
        rank_N[of_class] = np.arange(len(of_class))
    by_rank_N = shuffled_N[np.argsort(rank_N[shuffled_N], kind="stable")]
    return np.sort(by_rank_N[:count])
