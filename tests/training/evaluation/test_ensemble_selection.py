from __future__ import annotations

import numpy as np
import pytest
import torch

from automl.metrics import METRICS
from automl.training.evaluation.calibration import figures_of
from automl.training.evaluation.ensemble_selection import choose_shares, pooled
from automl.training.evaluation.predictions import Predictions

IMAGES, CLASSES = 600, 4
LABELS_N = np.arange(IMAGES) % CLASSES


def network(*, skill: float, seed: int, shift: int = 0) -> Predictions:
    """One that is right where its noise lets it; `shift`: of the class that it takes each class for."""
    generator = torch.Generator().manual_seed(seed)
    right_NK = torch.eye(CLASSES)[torch.from_numpy((LABELS_N + shift) % CLASSES)]
    logits = [skill * right_NK + torch.randn(IMAGES, CLASSES, generator=generator) for _ in range(2)]
    return Predictions.of(LABELS_N, *logits)


def accuracy(candidates: list[Predictions], shares: tuple[float, ...], *, tta: bool = False) -> float:
    return figures_of(pooled(candidates, shares, tta=tta), LABELS_N).accuracy


@pytest.mark.parametrize("tta", [False, True])
def test_ensemble_of_different_mistakes_beats_its_best_member(tta: bool) -> None:
    candidates = [network(skill=1.5, seed=seed) for seed in range(4)]
    shares = choose_shares(candidates, metric=METRICS["accuracy"], tta=tta)
    alone = max(accuracy(candidates, tuple(float(i == j) for j in range(4)), tta=tta) for i in range(4))
    assert sum(shares) == pytest.approx(1)
    assert accuracy(candidates, shares, tta=tta) > alone + 0.02


def test_network_that_is_always_wrong_has_no_share() -> None:
    candidates = [network(skill=2, seed=0), network(skill=3, seed=1, shift=1), network(skill=2, seed=2)]
    assert choose_shares(candidates, metric=METRICS["macro_f1"], tta=False)[1] == 0


def test_perfect_network_is_the_only_member() -> None:
    candidates = [network(skill=1, seed=0), network(skill=50, seed=1)]
    assert choose_shares(candidates, metric=METRICS["accuracy"], tta=False) == (0.0, 1.0)


def test_better_network_joins_more_often() -> None:
    candidates = [network(skill=1.6, seed=0), network(skill=1.3, seed=1)]
    strong, weak = choose_shares(candidates, metric=METRICS["loss"], tta=False)
    assert strong > weak > 0


@pytest.mark.parametrize("name", METRICS)
def test_ensemble_is_never_worse_than_its_best_candidate_in_any_metric(name: str) -> None:
    metric = METRICS[name]
    candidates = [network(skill=1 + seed / 5, seed=seed) for seed in range(5)]
    values = [getattr(figures_of(one.pooled(tta=False), LABELS_N), name) for one in candidates]
    found = getattr(
        figures_of(pooled(candidates, choose_shares(candidates, metric=metric, tta=False), tta=False), LABELS_N), name
    )
    best = max(values) if metric.maximize else min(values)
    assert found == pytest.approx(best) or metric.better(found, than=best)


def test_choice_is_the_same_every_time() -> None:
    candidates = [network(skill=1.5, seed=seed) for seed in range(6)]
    first, second = (choose_shares(candidates, metric=METRICS["accuracy"], tta=True) for _ in range(2))
    assert first == second
