"""Overfit check: a network that cannot overfit twenty images will not learn a data set."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from automl.data.dataset import DataSet, Split
from automl.metrics import METRICS
from automl.models.building import Builder, build_model
from automl.recipe import FIELDS, Augmentations, Recipe, Regularization, names_of
from automl.training.loop import Training

IMAGES = 20
EPOCHS = 30
BARE = (*names_of(Regularization), *names_of(Augmentations), "ema")
"""Fields that are reset to their defaults: regularization, augmentation, and the average, which lags in a short run."""


@dataclass(frozen=True)
class OverfitSettings:
    """Optimization of an overfit check, whatever the space says."""

    repeats: int
    """Number of times that each image occurs in an epoch."""
    batch_size: int
    learning_rate: float


ATTEMPTS = (OverfitSettings(1, 10, 3e-3), OverfitSettings(40, 20, 3e-2))
"""The second is for networks that end in the mean of a few channels and need hundreds of steps: on 20 faces of 48 × 48
pixels one plain stage of 16 channels reached 0.25 in 60 steps of the first, and 1.0 in the 21st epoch of the second,
where all networks of 150,000 to 40 million parameters took 5 to 27 epochs of the first (torch 2.15, CPU, 2026-11)."""


@dataclass(frozen=True)
class OverfitResult:
    """Result of an overfit check."""

    images: int
    epochs: int
    """Number of trained epochs: up to the first one without an error, else all."""
    train_accuracy: float
    """Accuracy of the last epoch, in training mode."""
    evaluation_accuracy: float
    """Accuracy of the last epoch, in evaluation mode: other statistics in batch normalization, and nothing random."""

    @property
    def worst(self) -> float:
        """The lower of the two accuracies."""
        return min(self.train_accuracy, self.evaluation_accuracy)

    @property
    def is_complete(self) -> bool:
        """Whether every image was classified correctly in both modes."""
        return self.worst == 1


def check_overfit(
    recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder = build_model
) -> OverfitResult:
    """Train the bare network of a recipe on a few images of `train`, until it overfits them all or the epochs are over.

    Raises: ModelError if the network cannot be built for these images. DivergedError if a loss is NaN or infinite.
    """
    for settings in ATTEMPTS:
        result = _attempt(bare(recipe, settings), few_images(data, repeats=settings.repeats), device, build)
        if result.is_complete:
            break
    return result


def _attempt(recipe: Recipe, few: DataSet, device: torch.device, build: Builder) -> OverfitResult:
    training = Training(recipe, few, metric=METRICS["accuracy"], device=device, build=build)
    images = len(few.splits["validation"])
    for epoch in training.epochs():
        result = OverfitResult(images, epoch.epoch + 1, epoch.train_accuracy, epoch.validation_accuracy)
        if result.is_complete:
            break
    return result


def bare(recipe: Recipe, settings: OverfitSettings) -> Recipe:
    """The recipe's network without regularization and augmentation, with an optimization for few images."""
    optimization = {
        "optimizer": "adamw",
        "learning_rate": settings.learning_rate,
        "schedule": "one_cycle",
        "batch_size": settings.batch_size,
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
    """Positions, ascending, of the first images of each class in a random order."""
    shuffled_N = np.random.default_rng(0).permutation(len(labels_N))
    rank_N = np.empty(len(labels_N), np.int64)
    for label in np.unique(labels_N):
        of_class = shuffled_N[labels_N[shuffled_N] == label]
        rank_N[of_class] = np.arange(len(of_class))
    by_rank_N = shuffled_N[np.argsort(rank_N[shuffled_N], kind="stable")]
    return np.sort(by_rank_N[:count])
