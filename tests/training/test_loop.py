from __future__ import annotations

import dataclasses
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from automl.data.batches.batching import open_images
from automl.data.dataset import DataSet, Split
from automl.errors import DivergedError, ModelError, TrainingError, TrainingInterrupted
from automl.metrics import METRICS, EpochResult
from automl.models.building import build_model
from automl.models.geometry import ImageShape
from automl.recipe import Recipe
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from automl.training.device import Precision
from automl.training.evaluation.forward import predict_logits
from automl.training.evaluation.scoring import Evaluation, evaluate_logits
from automl.training.loop import Training

CPU = torch.device("cpu")
SMALL = Recipe(depth=1, width=8, epochs=4, learning_rate=2e-2, batch_size=32)
EVERYTHING = Recipe(
    block="residual",
    depth=2,
    width=6,
    squeeze_excitation=True,
    dropout=0.2,
    block_dropout=0.1,
    stochastic_depth=0.2,
    weight_decay=0.01,
    label_smoothing=0.1,
    mixup=0.2,
    class_weights="square_root",
    rotation_degrees=10,
    shift=0.1,
    brightness=0.1,
    erasing=0.2,
    blur=0.2,
    ema=0.9,
    epochs=4,
    learning_rate=5e-3,
    batch_size=64,
)
CLOCKED = ("seconds", "images_per_second")


def training(data: DataSet, recipe: Recipe, metric: str = "accuracy", **options: object) -> Training:
    return Training(recipe, data, metric=METRICS[metric], device=CPU, **options)  # type: ignore[arg-type]


def figures(results: list[EpochResult]) -> list[dict[str, float]]:
    """All but what a clock measured."""
    return [{k: v for k, v in dataclasses.asdict(result).items() if k not in CLOCKED} for result in results]


def evaluation(run: Training, split: Split) -> Evaluation:
    """Judge the best weights in a network built anew, as an exported model is."""
    network = build_model(run.recipe, (1, 8, 8), 10)
    network.load_state_dict(run.best_weights)
    images = open_images(split, CPU)
    logits = predict_logits(network, images, normalization=run.normalization, precision=run.precision)
    return evaluate_logits(logits, split.labels_N)


def test_digits_are_learnt(digits: DataSet) -> None:
    run = training(digits, Recipe(depth=2, width=16, epochs=10, learning_rate=1e-2, batch_size=64))
    results = list(run.epochs())
    assert [result.epoch for result in results] == list(range(10))
    assert run.best_value >= 0.97
    tested = run.evaluate(digits.splits["test"])
    assert tested.accuracy >= 0.96
    assert tested.loss == pytest.approx(evaluation(run, digits.splits["test"]).loss, rel=1e-5)
    assert results[-1].train_loss < 0.2 < results[0].train_loss
    assert all(result.gradient_norm > 0 and result.images_per_second > 0 for result in results)


@pytest.mark.parametrize("recipe", [SMALL, EVERYTHING], ids=["small", "everything"])
def test_same_recipe_gives_the_same_figures_bit_for_bit(few_digits: DataSet, recipe: Recipe) -> None:
    first, second = training(few_digits, recipe), training(few_digits, recipe)
    torch.rand(3)  # what else happens in the process does not matter
    assert figures(list(first.epochs())) == figures(list(second.epochs()))
    assert all(torch.equal(first.best_weights[name], second.best_weights[name]) for name in first.best_weights)


def test_another_seed_gives_other_figures(few_digits: DataSet) -> None:
    other = dataclasses.replace(SMALL, seed=1)
    assert figures(list(training(few_digits, SMALL).epochs())) != figures(list(training(few_digits, other).epochs()))


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resumed_run_is_the_uninterrupted_one_bit_for_bit(few_digits: DataSet, optimizer: str, tmp_path: Path) -> None:
    changes = {"optimizer": optimizer, "schedule": "plateau", "epochs": 5}
    recipe = Recipe.from_mapping(EVERYTHING.as_dict() | changes)
    whole = training(few_digits, recipe)
    expected = list(whole.epochs())
    first = training(few_digits, recipe)
    done = list(itertools.islice(first.epochs(), 2))
    save_checkpoint(first.state(), tmp_path / "run.pt")
    resumed = training(few_digits, recipe)
    resumed.load_state(load_checkpoint(tmp_path / "run.pt"))
    assert figures(done + list(resumed.epochs())) == figures(expected)
    assert (resumed.best_epoch, resumed.best_value) == (whole.best_epoch, whole.best_value)
    assert all(torch.equal(whole.best_weights[name], resumed.best_weights[name]) for name in whole.best_weights)
    kept = resumed.predictions()
    resumed.best_logits_NK = None
    asked_again = resumed.predictions()
    assert torch.equal(kept.log_probabilities_NK, asked_again.log_probabilities_NK)
    assert torch.equal(whole.predictions().log_probabilities_NK, kept.log_probabilities_NK)


def test_state_is_a_snapshot_that_training_on_does_not_change(few_digits: DataSet) -> None:
    run = training(few_digits, SMALL)
    epochs = run.epochs()
    next(epochs)
    state = run.state()
    expected = figures(list(epochs))
    for _ in range(2):  # nor does loading and training from it
        resumed = training(few_digits, SMALL)
        resumed.load_state(state)
        assert figures(list(resumed.epochs())) == expected


def test_state_of_another_run_is_refused(few_digits: DataSet) -> None:
    state = training(few_digits, SMALL).state()
    other = training(few_digits, dataclasses.replace(SMALL, dropout=0.5), metric="loss")
    sentence = "This state is of another recipe and metric: it cannot go on here. Start the run anew."
    with pytest.raises(TrainingError, match=re.escape(sentence)):
        other.load_state(state)


def test_state_of_an_earlier_format_is_refused(few_digits: DataSet) -> None:
    run = training(few_digits, SMALL)
    state = {key: value for key, value in run.state().items() if key != "format"}
    with pytest.raises(TrainingError, match="This state is of another format: it cannot go on here"):
        run.load_state(state)


def test_best_weights_are_those_of_the_best_epoch(few_digits: DataSet) -> None:
    run = training(few_digits, dataclasses.replace(EVERYTHING, epochs=6), metric="loss")
    results = list(run.epochs())
    losses = [result.validation_loss for result in results]
    assert run.best_value == min(losses)
    assert run.best_epoch == losses.index(min(losses))
    assert evaluation(run, few_digits.splits["validation"]).loss == pytest.approx(min(losses))
    assert all(weight.device == CPU for weight in run.best_weights.values())


def test_validation_judges_the_averaged_weights(few_digits: DataSet) -> None:
    recipe = dataclasses.replace(SMALL, ema=0.9999, epochs=1)
    averaged, plain = training(few_digits, recipe), training(few_digits, dataclasses.replace(recipe, ema=0))
    (with_average,), (without,) = list(averaged.epochs()), list(plain.epochs())
    assert with_average.train_loss == without.train_loss
    assert with_average.validation_loss != without.validation_loss


def test_divergence_is_told_with_its_epoch(few_digits: DataSet) -> None:
    recipe = Recipe(depth=0, hidden_dim=16, optimizer="sgd", learning_rate=10, momentum=0.99, schedule="constant")
    sentence = r"The (training|validation) loss became (nan|inf) in epoch \d+\. Try a learning_rate below 10\."
    with pytest.raises(DivergedError, match=sentence):
        list(training(few_digits, recipe, build=exploding).epochs())


def exploding(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
    """Network without normalization whose deep product of layers overflows."""
    layers = [nn.Linear(math.prod(image_shape), 64), *(nn.Linear(64, 64) for _ in range(8))]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, num_classes))


def test_interruption_stops_in_mid_epoch(few_digits: DataSet) -> None:
    steps = itertools.count()
    run = training(few_digits, SMALL, interrupted=lambda: next(steps) == 9)
    epochs = run.epochs()
    next(epochs)
    with pytest.raises(
        TrainingInterrupted, match=re.escape("Interrupted in epoch 1; the epochs before it are complete.")
    ):
        next(epochs)
    assert next(steps) == 10
    assert run.state()["next_epoch"] == 1


def test_learning_rate_follows_the_schedule_to_its_end(few_digits: DataSet) -> None:
    rates = [result.learning_rate for result in training(few_digits, dataclasses.replace(SMALL, epochs=6)).epochs()]
    peak = rates.index(max(rates))
    assert 0 < peak < 3
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] < 0.01 * SMALL.learning_rate


def test_train_figures_are_means_over_images(few_digits: DataSet) -> None:
    """With a rate too small to change anything they are those of the untrained network."""
    recipe = dataclasses.replace(SMALL, depth=0, learning_rate=1e-30, epochs=1, batch_size=100)
    run = training(few_digits, recipe)
    untrained = evaluation(run, few_digits.splits["train"])
    (result,) = run.epochs()
    assert result.train_loss == pytest.approx(untrained.loss, rel=1e-5)
    assert result.train_accuracy == pytest.approx(untrained.accuracy)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_learns_like_float32(few_digits: DataSet, precision: Precision) -> None:
    recipe = dataclasses.replace(SMALL, epochs=8)
    full, half = (
        list(training(few_digits, recipe, precision=which).epochs())[-1].validation_accuracy
        for which in ("float32", precision)
    )
    assert half == pytest.approx(full, abs=0.03)


@pytest.mark.parametrize(("before", "after"), [("float32", "float16"), ("float16", "float32")])
def test_run_goes_on_in_another_precision(few_digits: DataSet, before: Precision, after: Precision) -> None:
    recipe = dataclasses.replace(SMALL, epochs=2)
    begun = training(few_digits, recipe, precision=before)
    next(begun.epochs())
    resumed = training(few_digits, recipe, precision=after)
    resumed.load_state(begun.state())
    assert [result.epoch for result in resumed.epochs()] == [1]


def resnet18(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
    """torchvision's, with a first layer for these channels."""
    network = torchvision.models.resnet18(weights=None, num_classes=num_classes)
    network.conv1 = nn.Conv2d(image_shape[0], 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network  # type: ignore[no-any-return]


def test_a_torchvision_network_trains_on_the_same_service(few_digits: DataSet) -> None:
    run = training(few_digits, Recipe(epochs=3, batch_size=40, learning_rate=2e-3), build=resnet18)
    results = list(run.epochs())
    assert run.parameters == 11_172_810
    assert results[-1].train_accuracy > 0.6


def test_network_that_does_not_fit_is_refused_before_training(few_digits: DataSet) -> None:
    with pytest.raises(ModelError, match=re.escape("Use depth 3 or less.")):
        training(few_digits, Recipe(depth=4))


def test_colour_images_train(few_digits: DataSet) -> None:
    train = few_digits.splits["train"]
    colour = np.repeat(train.images_MHWC, 3, axis=3)
    splits = {name: dataclasses.replace(split, images_MHWC=colour) for name, split in few_digits.splits.items()}
    data = dataclasses.replace(few_digits, image_shape=(3, 8, 8), splits=splits)
    recipe = Recipe(depth=2, width=16, epochs=10, learning_rate=1e-2, batch_size=32, rotation_degrees=5, blur=0.3)
    assert list(training(data, recipe).epochs())[-1].validation_accuracy > 0.8
