from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from automl.data.dataset import Split
from automl.errors import DataError
from automl.export.model_file import load_model
from automl.export.test_evaluation import evaluate, wilson_interval
from tests.export.conftest import Trained


def test_figures_are_those_of_the_training(trained: Trained, model_path: Path) -> None:
    answer = evaluate(load_model(model_path), trained.data, "test")
    assert answer.accuracy == trained.test_accuracy
    assert answer.loss == pytest.approx(trained.test_loss, rel=1e-5)


def test_figures_are_those_of_scikit_learn(trained: Trained, model_path: Path) -> None:
    model = load_model(model_path)
    test = trained.data.splits["test"]
    answer = evaluate(model, trained.data, "test")
    probabilities_NK = model.predict_probabilities(test.images_MHWC[test.rows_N])
    predicted_N = probabilities_NK.argmax(axis=1)
    assert np.array_equal(answer.confusion_KK, confusion_matrix(test.labels_N, predicted_N))
    assert answer.macro_f1 == pytest.approx(f1_score(test.labels_N, predicted_N, average="macro"))
    assert answer.balanced_accuracy == pytest.approx(balanced_accuracy_score(test.labels_N, predicted_N))
    assert answer.loss == pytest.approx(-np.log(probabilities_NK[np.arange(answer.n), test.labels_N]).mean(), rel=1e-4)
    expected = np.stack(precision_recall_fscore_support(test.labels_N, predicted_N))
    got = np.array([[c.precision, c.recall, c.f1, c.support] for c in answer.classes]).T
    np.testing.assert_allclose(got, expected)
    assert answer.n == len(test)


def test_class_that_never_occurs_counts_nothing(trained: Trained, model_path: Path) -> None:
    split = trained.data.splits["test"]
    kept = split.labels_N != 3
    without = dataclasses.replace(
        trained.data,
        splits={"test": Split(split.images_MHWC, split.rows_N[kept], split.labels_N[kept])},
    )
    answer = evaluate(load_model(model_path), without, "test")
    assert (answer.classes[3].support, answer.classes[3].recall) == (0, 0)
    assert answer.n == kept.sum()


def test_classes_are_matched_by_name_in_any_order(trained: Trained, model_path: Path) -> None:
    order = np.random.default_rng(0).permutation(10)
    place = np.argsort(order)
    shuffled = dataclasses.replace(
        trained.data,
        class_names=tuple(trained.data.class_names[old] for old in order),
        splits={
            name: Split(split.images_MHWC, split.rows_N, place[split.labels_N])
            for name, split in trained.data.splits.items()
        },
    )
    model = load_model(model_path)
    straight, mapped = evaluate(model, trained.data, "test"), evaluate(model, shuffled, "test")
    assert np.array_equal(straight.confusion_KK, mapped.confusion_KK)
    assert straight.classes == mapped.classes


def test_other_classes_are_refused_by_name(trained: Trained, model_path: Path) -> None:
    other = dataclasses.replace(trained.data, class_names=(*"012345678", "nine"))
    sentence = (
        "digits has other classes than the model. Only in the data: nine. Only in the model: 9. "
        "Name them alike, or evaluate on data of the same classes."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        evaluate(load_model(model_path), other, "test")


def test_missing_split_is_refused(trained: Trained, model_path: Path) -> None:
    alone = dataclasses.replace(trained.data, splits={"train": trained.data.splits["train"]})
    with pytest.raises(DataError, match=re.escape("digits has no images in the split test. It has: train.")):
        evaluate(load_model(model_path), alone, "test")


def test_larger_colour_images_are_converted(trained: Trained, model_path: Path) -> None:
    split = trained.data.splits["test"]
    large = split.images_MHWC.repeat(4, axis=1).repeat(4, axis=2).repeat(3, axis=3)
    data = dataclasses.replace(
        trained.data, image_shape=(3, 32, 32), splits={"test": Split(large, split.rows_N, split.labels_N)}
    )
    answer = evaluate(load_model(model_path), data, "test")
    assert answer.accuracy == pytest.approx(trained.test_accuracy, abs=0.02)


def test_answer_is_plain_json(trained: Trained, model_path: Path) -> None:
    answer = evaluate(load_model(model_path), trained.data, "validation")
    document = json.loads(json.dumps(answer.as_dict()))
    assert document["split"] == "validation"
    assert document["accuracy"] == answer.accuracy
    assert document["confusion"] == answer.confusion_KK.tolist()
    assert [figures["name"] for figures in document["classes"]] == list("0123456789")


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert wilson_interval(hits, n) == pytest.approx((low, high), abs=5.1e-5)


@given(n=st.integers(1, 10_000), data=st.data())
def test_wilson_interval_holds_the_share(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    low, high = wilson_interval(hits, n)
    assert 0 <= low <= hits / n + 1e-12
    assert hits / n - 1e-12 <= high <= 1
