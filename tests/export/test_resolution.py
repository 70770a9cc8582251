"""Exported models of networks that see the images in another size: every format takes the images' own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

from automl.data.batches.batching import HostImages
from automl.data.loading import load_data_set
from automl.export.card import MemberCard, ModelCard
from automl.export.model_file import build_networks, load_model
from automl.export.prediction.model import Model
from automl.export.single_run import RecipeFile, train_recipe
from automl.export.test_evaluation import evaluate
from automl.export.writing import TOLERANCE, noise, samples, write_model
from automl.metrics import METRICS
from automl.models.building import build_model
from automl.recipe import Recipe
from automl.training.loop import Training
from tests.export.conftest import Trained

CPU = torch.device("cpu")
SMALL = Recipe(depth=1, width=4, epochs=1, batch_size=64, learning_rate=0.01)


def model_of(card: ModelCard, *resolutions: int, depth: int = 1) -> Model:
    """Random networks of these resolutions, each with its mirror image."""
    recipes = [dataclasses.replace(SMALL, resolution=resolution, depth=depth) for resolution in resolutions]
    (member,) = card.members
    members = tuple(
        MemberCard(recipe=recipe, normalization=member.normalization, share=1 / len(recipes)) for recipe in recipes
    )
    card = dataclasses.replace(card, members=members, tta=True)
    networks = build_networks(card)
    for network, recipe in zip(networks, recipes, strict=True):
        weights = build_model(recipe, card.image_shape, len(card.classes)).state_dict()
        network.load_state_dict(weights, assign=True)
        torch.nn.init.normal_(dict(network.named_parameters())[[*weights][-2]])  # logits that are worth comparing
    return Model(networks, card, CPU)


@pytest.mark.parametrize("ending", [".pt", ".pt2", ".onnx"])
def test_ensemble_of_several_resolutions_is_written_in_every_format(
    trained: Trained, ending: str, tmp_path: Path
) -> None:
    model, path = model_of(trained.card, 5, 0, 16), tmp_path / f"model{ending}"
    tried_on = samples(trained.data.splits["validation"], model.card)
    comparison = write_model(path, model, tried_on)
    assert comparison.images == len(trained.data.splits["validation"])
    assert comparison.largest_difference < TOLERANCE
    if ending == ".pt":
        again = load_model(path)
        assert np.array_equal(
            again.predict_probabilities(pixels(trained)), model.predict_probabilities(pixels(trained))
        )


def pixels(trained: Trained) -> npt.NDArray[np.uint8]:
    return trained.data.splits["test"].images_MHWC[:20, :, :, 0]


def test_few_images_are_compared_where_a_network_enlarges_them(trained: Trained, tmp_path: Path) -> None:
    model = model_of(trained.card, 1024, depth=0)
    comparison = write_model(tmp_path / "model.pt", model, noise(model.card.image_shape))
    assert comparison.images == 2**24 // 1024**2


def test_stored_model_computes_what_training_reported(trained: Trained) -> None:
    recipe = dataclasses.replace(SMALL, resolution=5)
    training = Training(recipe, trained.data, metric=METRICS["accuracy"], device=CPU, precision="float32")
    (result,) = training.epochs()
    member = MemberCard(recipe=recipe, normalization=training.normalization)
    card = dataclasses.replace(trained.card, members=(member,), temperature=1.0, tta=False)
    (network,) = build_networks(card)
    network.load_state_dict(training.best_weights, assign=True)
    model, split = Model([network], card, CPU), trained.data.splits["validation"]
    logits_NK = model.logits(HostImages(split.images_MHWC, split.rows_N, CPU))
    assert training.best_logits_NK is not None
    expected_NK = training.best_logits_NK.log_softmax(dim=1)
    torch.testing.assert_close(logits_NK.log_softmax(dim=1), expected_NK, rtol=1e-4, atol=1e-4)
    evaluated = evaluate(model, trained.data, "validation")
    assert evaluated.accuracy == result.validation_accuracy
    assert evaluated.loss == pytest.approx(result.validation_loss, rel=1e-5)


def test_recipe_file_with_a_resolution_trains_and_exports(tmp_path: Path) -> None:
    home, path = tmp_path / "home", tmp_path / "model.pt"
    file = RecipeFile(recipe=dataclasses.replace(SMALL, resolution=12, flip=0.5))
    lines: list[str] = []
    run = train_recipe(file, "digits", home=home, export=path, device="cpu", model=None, log=lines.append)
    assert run.exported is not None
    model, data = load_model(path), load_data_set("digits", home=home)
    assert model.recipe.resolution == 12
    test = evaluate(model, data, "test")
    assert run.exported.test is not None
    assert test.accuracy == run.exported.test.accuracy
    assert "at 12 pixels" in path.with_suffix(".md").read_text()
    assert len(model.predict(data.splits["test"].images_MHWC[:3])) == 3
