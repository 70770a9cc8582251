from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy, one_hot

from automl.recipe import Recipe
from automl.training.objective import Objective, class_weights

LABELS = np.repeat([0, 1, 2], [50, 30, 20])
COUNTS = np.bincount(LABELS)


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    expected = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    np.testing.assert_allclose(class_weights(COUNTS, exponent=1), expected)


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_weights_are_1_on_the_average_image(exponent: float) -> None:
    counts = np.array([7, 0, 100])
    weights = class_weights(counts, exponent=exponent)
    assert weights @ counts / counts.sum() == pytest.approx(1)
    assert np.isfinite(weights).all()


def test_square_root_weights_are_between_none_and_balanced() -> None:
    balanced, between = class_weights(COUNTS, exponent=1), class_weights(COUNTS, exponent=0.5)
    assert balanced[2] / balanced[0] == pytest.approx((between[2] / between[0]) ** 2)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_labels_and_their_probabilities_give_the_same_loss(smoothing: float) -> None:
    logits, labels = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3
    objective = Objective(Recipe(label_smoothing=smoothing), COUNTS, torch.device("cpu"))
    torch.testing.assert_close(objective(logits, one_hot(labels).float()), objective(logits, labels))
    torch.testing.assert_close(objective(logits, labels), cross_entropy(logits, labels, label_smoothing=smoothing))


def test_rare_classes_count_more_where_asked() -> None:
    logits = torch.zeros(2, 3)
    logits[:, 0] = 2
    labels = torch.tensor([0, 2])
    losses = [
        Objective(Recipe(class_weights=kind), COUNTS, torch.device("cpu"))(logits, labels).item()
        for kind in ("none", "square_root", "balanced")
    ]
    assert losses == sorted(losses)
    assert losses[0] < losses[1] < losses[2]


def test_loss_is_computed_in_float32() -> None:
    objective = Objective(Recipe(), COUNTS, torch.device("cpu"))
    assert objective(torch.zeros(2, 3, dtype=torch.bfloat16), torch.tensor([0, 1])).dtype == torch.float32
