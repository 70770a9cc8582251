from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from automl.metrics import METRICS, Metric
from automl.training.evaluation.ensemble_gain import EnsembleGain, _influence, _noise, measure_gain
from automl.training.evaluation.predictions import Predictions
from automl.training.evaluation.scoring import evaluate_logits

CLASSES = 4
Labels = npt.NDArray[np.int64]
MakeNetworks = Callable[[int], list[Predictions]]


def networks(*, images: int, count: int, shared: float, seed: int, skill: float = 1.5) -> list[Predictions]:
    """Some that are equally good; `shared`: share of their noise, 0 to 1, that all of them have in common."""
    generator = torch.Generator().manual_seed(seed)
    labels_N = np.arange(images) % CLASSES
    right_NK = skill * torch.eye(CLASSES)[torch.from_numpy(labels_N)]
    common_NK = shared * torch.randn(images, CLASSES, generator=generator)
    own = [math.sqrt(1 - shared**2) * torch.randn(images, CLASSES, generator=generator) for _ in range(count)]
    return [Predictions.of(labels_N, right_NK + common_NK + own_NK, right_NK) for own_NK in own]


def measured(candidates: list[Predictions], metric: str) -> EnsembleGain:
    found = measure_gain(candidates, metric=METRICS[metric], tta=False)
    assert found is not None
    return found


@pytest.mark.parametrize("metric", METRICS)
def test_ensemble_of_different_mistakes_is_better_by_more_than_noise(metric: str) -> None:
    found = measured(networks(images=300, count=4, shared=0, seed=0), metric)
    assert found.is_beyond_noise
    assert METRICS[metric].better(found.together, than=found.alone)
    assert found.gain == pytest.approx(abs(found.together - found.alone))


@pytest.mark.parametrize("metric", METRICS)
def test_networks_that_make_the_same_mistakes_gain_nothing(metric: str) -> None:
    found = measured(networks(images=300, count=3, shared=0.999, seed=0), metric)
    assert not found.is_beyond_noise


def test_few_images_take_no_ensemble_by_luck() -> None:
    candidates = [networks(images=20, count=3, shared=0.97, seed=seed) for seed in range(12)]
    assert not any(measured(found, "balanced_accuracy").is_beyond_noise for found in candidates)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("images", [2, 5, 20])
def test_a_handful_of_images_is_judged_without_trouble(metric: str, images: int) -> None:
    found = measured(networks(images=images, count=3, shared=0.5, seed=1), metric)
    assert math.isfinite(found.gain)
    assert math.isfinite(found.noise)


def test_a_single_image_decides_nothing() -> None:
    assert measure_gain(networks(images=1, count=3, shared=0, seed=0), metric=METRICS["accuracy"], tta=False) is None


def test_same_choice_every_time() -> None:
    candidates = networks(images=100, count=4, shared=0.3, seed=3)
    assert measured(candidates, "macro_f1") == measured(candidates, "macro_f1")


def test_what_is_not_allowed_together_is_not_judged_together() -> None:
    candidates = networks(images=300, count=3, shared=0, seed=0)
    found = measure_gain(
        candidates, metric=METRICS["accuracy"], tta=False, is_allowed=lambda together: len(together) == 1
    )
    assert found is not None
    assert found.gain == 0


@pytest.mark.parametrize("metric", [METRICS["accuracy"], METRICS["macro_f1"], METRICS["balanced_accuracy"]])
def test_noise_is_that_of_a_paired_bootstrap(metric: Metric) -> None:
    images, draws = 900, 400
    generator = np.random.default_rng(0)
    labels_N = generator.choice(CLASSES, images, p=[0.5, 0.3, 0.15, 0.05])
    good, poor = (_network_of(labels_N, skill=skill, seed=seed) for skill, seed in ((3.0, 0), (2.0, 1)))
    influences = [_influence(one.pooled(tta=False), labels_N, metric) for one in (good, poor)]
    error = math.sqrt(((influences[0] - influences[1]) ** 2).sum()) / images
    differences = []
    for _ in range(draws):
        rows = generator.integers(0, images, images)
        first, second = (
            getattr(evaluate_logits(one.pooled(tta=False)[torch.from_numpy(rows)], labels_N[rows]), metric.name)
            for one in (good, poor)
        )
        differences.append(first - second)
    assert error == pytest.approx(np.std(differences), rel=0.15)


def test_four_images_of_twenty_are_within_the_noise_and_five_are_not() -> None:
    for better, is_beyond in ((3, False), (4, False), (5, True)):
        value_N = np.zeros(20)
        value_N[:better] = 1
        assert (better / 20 > _noise(value_N)) is is_beyond


def _network_of(labels_N: Labels, *, skill: float, seed: int) -> Predictions:
    generator = torch.Generator().manual_seed(seed)
    logits_NK = skill * torch.eye(CLASSES)[torch.from_numpy(labels_N)]
    logits_NK = logits_NK + torch.randn(len(labels_N), CLASSES, generator=generator)
    return Predictions.of(labels_N, logits_NK, logits_NK)
