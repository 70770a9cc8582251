from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from automl.training.evaluation import confusion_scores as metrics

pairs = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)


@given(pairs=pairs)
def test_figures_equal_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = map(list, zip(*pairs, strict=True))
    confusion = metrics.confusion_matrix(torch.tensor(labels), torch.tensor(predicted), 5).numpy()
    expected = sklearn_metrics.confusion_matrix(labels, predicted, labels=range(5))
    assert np.array_equal(confusion, expected)
    assert metrics.accuracy(confusion) == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    f1 = sklearn_metrics.f1_score(labels, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(confusion) == pytest.approx(f1)
    recall = np.mean([np.mean(np.array(predicted)[np.array(labels) == k] == k) for k in set(labels)])
    assert metrics.balanced_accuracy(confusion) == pytest.approx(recall)


def test_balanced_accuracy_is_that_of_scikit_learn() -> None:
    labels = np.random.default_rng(0).integers(0, 4, 500)
    predicted = np.where(np.random.default_rng(1).random(500) < 0.6, labels, 0)
    confusion = metrics.confusion_matrix(torch.from_numpy(labels), torch.from_numpy(predicted), 4).numpy()
    expected = sklearn_metrics.balanced_accuracy_score(labels, predicted)
    assert metrics.balanced_accuracy(confusion) == pytest.approx(expected)
