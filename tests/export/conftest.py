"""A network trained on digits for a few epochs, and its exported file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.export.card import MemberCard, ModelCard, Provenance
from automl.export.model_file import model_bytes
from automl.metrics import METRICS
from automl.recipe import Recipe
from automl.training.loop import Training

RECIPE = Recipe(depth=1, width=8, hidden_dim=32, pooling="flatten", epochs=4, batch_size=32, learning_rate=0.01)


@dataclass(frozen=True)
class Trained:
    """What a training leaves."""

    data: DataSet
    card: ModelCard
    weights: dict[str, Tensor]
    test_accuracy: float
    test_loss: float


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A convolutional network that knows most digits."""
    data = load_data_set("digits", home=tmp_path_factory.mktemp("home"))
    training = Training(RECIPE, data, metric=METRICS["accuracy"], device=torch.device("cpu"), precision="float32")
    last = list(training.epochs())[-1]
    tested = training.evaluate(data.splits["test"])
    card = ModelCard(
        members=(MemberCard(recipe=RECIPE, normalization=training.normalization, trial=3),),
        classes=data.class_names,
        image_shape=data.image_shape,
        metrics={"validation_accuracy": last.validation_accuracy},
        provenance=Provenance(
            data=data.reference,
            fingerprint=data.fingerprint,
            split_seed=0,
            created_at="2026-11-23T12:00:00+00:00",
            study="digits",
        ),
    )
    return Trained(data, card, training.best_weights, tested.accuracy, tested.loss)


@pytest.fixture(scope="session")
def model_path(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exported file."""
    path = tmp_path_factory.mktemp("exported") / "digits.pt"
    save_model(path, trained.card, [trained.weights])
    return path


def save_model(path: Path, card: ModelCard, weights: Sequence[Mapping[str, Tensor]]) -> None:
    path.write_bytes(model_bytes(card, weights))
