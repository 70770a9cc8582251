"""Training of networks that see the images in another size than their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from automl.data.batches import batching
from automl.data.batches.batching import DeviceImages, open_images
from automl.data.batches.resized_images import ResizedImages
from automl.data.dataset import DataSet
from automl.metrics import METRICS, EpochResult
from automl.models.building import resizing
from automl.models.geometry import ImageShape
from automl.recipe import Recipe
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from automl.training.evaluation.forward import at_once, predict_logits
from automl.training.latency import measure_milliseconds
from automl.training.loop import Training

CPU = torch.device("cpu")
RECIPE = Recipe(depth=2, width=8, epochs=6, batch_size=24, learning_rate=2e-2, rotation_degrees=5, ema=0.5, dropout=0.1)
RESOLUTIONS = [5, 12]


def training(data: DataSet, resolution: int, **options: object) -> Training:
    recipe = dataclasses.replace(RECIPE, resolution=resolution)
    return Training(recipe, data, metric=METRICS["accuracy"], device=CPU, **options)  # type: ignore[arg-type]


def figures(results: list[EpochResult]) -> list[EpochResult]:
    """All but what a clock measured."""
    return [dataclasses.replace(result, seconds=0, images_per_second=0) for result in results]


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_repeated_and_resumed_runs_are_the_same_bit_for_bit(
    few_digits: DataSet, resolution: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = training(few_digits, resolution)
    expected = figures(list(whole.epochs()))
    monkeypatch.setattr(batching, "_HOST_MEMORY_SHARE", 0)  # as in too little memory: resized batch by batch
    again = training(few_digits, resolution)
    assert isinstance(whole.batches.images, DeviceImages)
    assert isinstance(again.batches.images, ResizedImages)
    begun = [next(again.epochs())]
    save_checkpoint(again.state(), tmp_path / "run.pt")
    resumed = training(few_digits, resolution)
    resumed.load_state(load_checkpoint(tmp_path / "run.pt"))
    assert figures(begun + list(resumed.epochs())) == expected
    assert all(torch.equal(weight, resumed.best_weights[name]) for name, weight in whole.best_weights.items())
    assert torch.equal(whole.predictions().pooled(tta=True), resumed.predictions().pooled(tta=True))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_reported_figures_are_those_of_images_in_their_own_size(
    few_digits: DataSet, resolution: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = training(few_digits, resolution, precision="float32")
    (*_, result) = run.epochs()
    split = few_digits.splits["validation"]
    assert run.best_logits_NK is not None
    own = predict_logits(
        run._best_model(), open_images(split, CPU), normalization=run.normalization, precision="float32"
    )
    torch.testing.assert_close(own, run.best_logits_NK, rtol=1e-4, atol=1e-4)
    kept = run.evaluate(split)
    monkeypatch.setattr(batching, "_EVALUATED_BYTES", 0)
    assert run.evaluate(split).loss == pytest.approx(kept.loss, rel=1e-5)
    assert result.validation_accuracy > 0.2


def test_bfloat16_learns_like_float32(few_digits: DataSet) -> None:
    full, half = (
        list(training(few_digits, 12, precision=precision).epochs())[-1] for precision in ("float32", "bfloat16")
    )
    assert half.validation_accuracy == pytest.approx(full.validation_accuracy, abs=0.05)
    assert half.train_loss == pytest.approx(full.train_loss, abs=0.05)


def test_training_steps_see_the_network_s_size(few_digits: DataSet) -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def __init__(self, shape: ImageShape) -> None:
            super().__init__()
            self.classes = nn.Linear(shape[1] * shape[2], 10)

        def forward(self, images_BCHW: torch.Tensor) -> torch.Tensor:
            seen.append(tuple(images_BCHW.shape[1:]))
            logits_BK: torch.Tensor = self.classes(images_BCHW.flatten(1))
            return logits_BK

    build = resizing(lambda _, shape, __: Watched(shape))
    run = training(few_digits, 6, build=build)
    list(run.epochs())
    measure_milliseconds(run.learner.eval_model, few_digits.image_shape, CPU)
    assert set(seen) == {(1, 6, 6)}
    assert run.batches.images.shape_HWC == (6, 6, 1)


def test_network_that_enlarges_its_images_takes_fewer_at_once(few_digits: DataSet) -> None:
    model = training(few_digits, 64).learner.model
    images = open_images(few_digits.splits["validation"], CPU)
    assert (at_once(images, nn.Flatten()), at_once(images, model)) == (2**20 // 64, 2**20 // 64**2)


def test_oblong_images_in_colour_train(few_digits: DataSet) -> None:
    splits = {
        name: dataclasses.replace(split, images_MHWC=split.images_MHWC[:, :, :6].repeat(3, axis=3))
        for name, split in few_digits.splits.items()
    }
    data = dataclasses.replace(few_digits, image_shape=(3, 8, 6), splits=splits)
    run = training(data, 16)
    assert run.batches.images.shape_HWC == (16, 12, 3)
    assert list(run.epochs())[-1].train_accuracy > 0.2
