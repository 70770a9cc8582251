from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from automl.data.batches.normalization import Normalization
from automl.export.model_file import load_model
from automl.export.prediction.classifier import Classifier, NormalizedNetwork
from tests.export.conftest import Trained, save_model

IMAGES_BCHW = torch.randint(0, 256, (5, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def linear(seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


def classifier(*, temperature: float = 1.0, tta: bool = False) -> Classifier:
    members = [NormalizedNetwork(linear(seed), Normalization((0.4,), (0.2 + seed,))) for seed in (0, 1)]
    return Classifier(members, [0.75, 0.25], temperature=temperature, tta=tta).requires_grad_(requires_grad=False)


def probabilities(seed: int, images_BCHW: Tensor) -> Tensor:
    with torch.no_grad():
        logits_BK: Tensor = linear(seed)(Normalization((0.4,), (0.2 + seed,))(images_BCHW))
        return logits_BK.softmax(dim=1)


def test_ensemble_is_the_weighted_mean_of_the_probabilities() -> None:
    expected = 0.75 * probabilities(0, IMAGES_BCHW) + 0.25 * probabilities(1, IMAGES_BCHW)
    torch.testing.assert_close(classifier()(IMAGES_BCHW), expected)


def test_mirror_images_count_alike() -> None:
    mirrored = IMAGES_BCHW.flip(3)
    both = classifier(tta=True)
    torch.testing.assert_close(both(IMAGES_BCHW), (classifier()(IMAGES_BCHW) + classifier()(mirrored)) / 2)
    torch.testing.assert_close(both(IMAGES_BCHW), both(mirrored))


def test_temperature_changes_probabilities_and_never_their_order() -> None:
    sharp, soft = classifier(temperature=0.5)(IMAGES_BCHW), classifier(temperature=3)(IMAGES_BCHW)
    torch.testing.assert_close(soft, (classifier()(IMAGES_BCHW).log() / 3).softmax(dim=1))
    assert torch.equal(sharp.argsort(dim=1), soft.argsort(dim=1))
    assert (sharp.amax(dim=1) > soft.amax(dim=1)).all()


def test_torch_exports_it_for_any_number_of_images() -> None:
    whole = classifier(temperature=1.5, tta=True).eval()
    batch = torch.export.Dim("batch")
    exported = torch.export.export(whole, (IMAGES_BCHW[:2],), dynamic_shapes=({0: batch},)).module()
    for count in (1, 2, 5):
        torch.testing.assert_close(exported(IMAGES_BCHW[:count]), whole(IMAGES_BCHW[:count]))


@pytest.fixture(scope="module")
def ensemble_path(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained network, and beside it one whose last layer is turned round."""
    turned = {name: -weight if name.endswith("weight") else weight for name, weight in trained.weights.items()}
    (member,) = trained.card.members
    members = (dataclasses.replace(member, share=0.75), dataclasses.replace(member, share=0.25, trial=4))
    card = dataclasses.replace(trained.card, members=members, temperature=2.0, tta_temperature=4.0)
    path = tmp_path_factory.mktemp("ensemble") / "ensemble.pt"
    save_model(path, card, [trained.weights, turned])
    return path


def test_ensemble_is_read_back_as_it_was_written(ensemble_path: Path, model_path: Path, trained: Trained) -> None:
    model, single = load_model(ensemble_path), load_model(model_path)
    images = trained.data.splits["test"].images_MHWC[:20]
    assert [member.share for member in model.card.members] == [0.75, 0.25]
    assert model.recipe == trained.card.recipe
    assert not np.allclose(model.predict_probabilities(images), single.predict_probabilities(images))


def test_mirror_images_have_a_temperature_of_their_own(ensemble_path: Path) -> None:
    plain, both = load_model(ensemble_path), load_model(ensemble_path, tta=True)
    assert (plain.tta, plain.classifier.temperature) == (False, 2.0)
    assert (both.tta, both.classifier.temperature) == (True, 4.0)
