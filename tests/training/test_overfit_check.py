from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from automl.data.dataset import DataSet, Split
from automl.models.building import build_model
from automl.recipe import FIELDS, NetworkFields, Optimization, Recipe, names_of
from automl.training.overfit_check import ATTEMPTS, BARE, EPOCHS, IMAGES, bare, check_overfit, few_images

CPU = torch.device("cpu")


class Forgetful(nn.Module):
    """Learns while training, and says the same of every image in evaluation mode."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images_BCHW: Tensor) -> Tensor:
        logits_BK: Tensor = self.network(images_BCHW)
        return logits_BK if self.training else torch.zeros_like(logits_BK)


def forgetful(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    return Forgetful(build_model(recipe, image_shape, num_classes))


def blind(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """A network that never looks at the image."""
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.999999), nn.Linear(image_shape[1] * image_shape[2], num_classes))
    return nn.Sequential(network, nn.Softmax(dim=1))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(depth=0, dropout=0.9, mixup=5.0, label_smoothing=0.5, epochs=1, learning_rate=1e-9),
        Recipe(depth=2, width=16, pooling="flatten", erasing=1.0, rotation_degrees=180, ema=0.999, optimizer="sgd"),
        Recipe(block="residual", depth=3, width=16, stochastic_depth=0.9, weight_decay=1.0),
    ],
)
def test_networks_overfit_twenty_images_whatever_their_recipe_says_of_the_rest(recipe: Recipe, digits: DataSet) -> None:
    result = check_overfit(recipe, digits, device=CPU)
    assert (result.images, result.train_accuracy, result.evaluation_accuracy) == (20, 1.0, 1.0)
    assert result.is_complete
    assert result.epochs <= EPOCHS


def test_network_that_does_not_look_fails_the_check(digits: DataSet) -> None:
    result = check_overfit(Recipe(), digits, device=CPU, build=blind)
    assert not result.is_complete
    assert result.evaluation_accuracy < 1


def test_network_that_knows_nothing_in_evaluation_mode_fails_the_check(digits: DataSet) -> None:
    result = check_overfit(Recipe(depth=0), digits, device=CPU, build=forgetful)
    assert result.train_accuracy == 1
    assert result.evaluation_accuracy < 0.5
    assert not result.is_complete


def test_contradictory_labels_cannot_be_overfitted(digits: DataSet) -> None:
    train = digits.splits["train"]
    one_image = Split(train.images_MHWC, np.repeat(train.rows_N[:1], 20), np.arange(20) % 10)
    twins = dataclasses.replace(digits, splits={"train": one_image, "validation": one_image})
    assert check_overfit(Recipe(depth=0), twins, device=CPU).evaluation_accuracy <= 0.1


def test_few_images_are_as_many_of_each_class(digits: DataSet) -> None:
    few = few_images(digits, repeats=3)
    assert few.class_counts("validation").tolist() == [2] * 10
    assert few.class_counts("train").tolist() == [6] * 10
    train, labels = digits.splits["train"], digits.splits["train"].labels_N
    assert all(labels[train.rows_N == row] == label for row, label in zip(*_columns(few), strict=True))


def test_few_images_of_rare_classes_are_all_there_are(digits: DataSet) -> None:
    train = digits.splits["train"]
    rare = np.concatenate([np.flatnonzero(train.labels_N == 0)[:3], np.flatnonzero(train.labels_N == 1)])
    two_classes = Split(train.images_MHWC, train.rows_N[rare], train.labels_N[rare])
    few = few_images(dataclasses.replace(digits, splits={"train": two_classes}))
    assert few.class_counts("validation")[:2].tolist() == [3, IMAGES - 3]


def _columns(data: DataSet) -> tuple[list[int], list[int]]:
    split = data.splits["validation"]
    return split.rows_N.tolist(), split.labels_N.tolist()


def test_regularization_and_augmentation_are_off() -> None:
    """Every field that is none of architecture, optimization or seed."""
    kept = {*names_of(NetworkFields), *names_of(Optimization), "augmentation_strength"}
    assert set(BARE) == set(FIELDS) - kept | {"ema"}
    assert {"dropout", "class_weights", "flip", "blur"} <= set(BARE)
    plain = bare(Recipe(dropout=0.5, flip=1, blur=1, class_weights="balanced", ema=0.99, width=48), ATTEMPTS[0])
    assert plain == bare(Recipe(width=48), ATTEMPTS[0])
