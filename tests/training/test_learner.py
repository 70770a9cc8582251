from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn

from automl.data.batches.batching import Batch
from automl.data.dataset import DataSet
from automl.metrics import METRICS
from automl.models.geometry import ImageShape
from automl.recipe import Recipe
from automl.training.loop import Training

CPU = torch.device("cpu")
RECIPE = Recipe(epochs=2, batch_size=48, learning_rate=1e-2, optimizer="sgd", ema=0.9)


def without_statistics(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
    """Network in which images of a batch do not see each other."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(image_shape), 16), nn.Tanh(), nn.Linear(16, num_classes))


def training(data: DataSet, recipe: Recipe, *, accumulation_steps: int) -> Training:
    return Training(
        recipe,
        data,
        metric=METRICS["loss"],
        device=CPU,
        precision="float32",
        build=without_statistics,
        accumulation_steps=accumulation_steps,
    )


@pytest.mark.parametrize("accumulation_steps", [2, 5, 1000])
@pytest.mark.parametrize(
    "changes",
    [{}, {"class_weights": "balanced", "label_smoothing": 0.1}, {"class_weights": "balanced", "mixup": 0.4}],
    ids=["plain", "weighted and smoothed", "weighted and mixed"],
)
def test_micro_batches_train_as_the_whole_batch(
    few_digits: DataSet, changes: dict[str, object], accumulation_steps: int
) -> None:
    recipe = dataclasses.replace(RECIPE, **changes)  # type: ignore[arg-type]
    whole, parted = (training(few_digits, recipe, accumulation_steps=count) for count in (1, accumulation_steps))
    for expected, result in zip(whole.epochs(), parted.epochs(), strict=True):
        assert dataclasses.asdict(result) == pytest.approx(
            dataclasses.asdict(expected) | {"seconds": result.seconds, "images_per_second": result.images_per_second},
            rel=1e-4,
        )
    for name, weight in whole.best_weights.items():
        torch.testing.assert_close(parted.best_weights[name], weight, rtol=1e-4, atol=1e-6)


def test_no_pass_sees_more_images_than_its_part(few_digits: DataSet) -> None:
    run = training(few_digits, RECIPE, accumulation_steps=4)
    seen = list[int]()
    run.learner.model.register_forward_pre_hook(lambda _module, inputs: seen.append(len(inputs[0])))
    next(run.epochs())
    assert max(seen) == 12  # of batches of 48 in training, and no more at a time in validation
    run.predictions()
    assert max(seen) == 12


def test_part_has_two_images_at_least() -> None:
    """Batch norm cannot do with one."""
    batch = Batch(torch.zeros(5, 1, 2, 2), torch.arange(5), torch.arange(5))
    assert [len(part.labels_B) for part in batch.parts(4)] == [3, 2]
    assert [part.labels_B.tolist() for part in batch.parts(2)] == [[0, 1, 2], [3, 4]]
