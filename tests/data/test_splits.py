from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.data.splits import check_classes, cut_missing
from automl.errors import DataError

TRAIN, VALIDATION, TEST = 0, 1, 2
class_sizes = st.lists(st.integers(3, 60), min_size=2, max_size=6)


def labels_of(sizes: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.repeat(np.arange(len(sizes)), sizes)


def names_of(sizes: list[int]) -> list[str]:
    return [f"class{label}" for label in range(len(sizes))]


@given(sizes=class_sizes, seed=st.integers(0, 2**31 - 1))
def test_cut_is_stratified_and_leaves_train_images_of_every_class(sizes: list[int], seed: int) -> None:
    labels = labels_of(sizes)
    splits = cut_missing(
        labels, np.zeros(len(labels), np.int8), names_of(sizes), seed=seed, reference="photos"
    ).splits_N
    for label, size in enumerate(sizes):
        counts = np.bincount(splits[labels == label], minlength=3)
        assert counts.sum() == size
        assert counts[TRAIN] >= 1
        assert counts[VALIDATION] == counts[TEST] >= 1
        assert abs(counts[VALIDATION] - size / 10) <= 0.9


@given(sizes=class_sizes, seed=st.integers(0, 2**31 - 1))
def test_given_test_split_stays_as_it_is(sizes: list[int], seed: int) -> None:
    labels = np.concatenate([labels_of(sizes)] * 2)
    given_splits = np.repeat(np.array([TRAIN, TEST], np.int8), sum(sizes))
    cut = cut_missing(labels, given_splits, names_of(sizes), seed=seed, reference="photos")
    assert np.array_equal(cut.splits_N == TEST, given_splits == TEST)
    assert (cut.splits_N == VALIDATION).any()
    assert cut.notes[0].startswith("validation (")


def test_cut_follows_the_seed_alone() -> None:
    labels = labels_of([50, 50])
    cuts = [
        cut_missing(labels, np.zeros(100, np.int8), ["a", "b"], seed=seed, reference="photos").splits_N.tolist()
        for seed in (3, 3, 4)
    ]
    assert cuts[0] == cuts[1] != cuts[2]


def test_cut_is_the_same_with_every_version_of_numpy() -> None:
    splits = cut_missing(labels_of([10, 10]), np.zeros(20, np.int8), ["a", "b"], seed=0, reference="photos").splits_N
    assert np.flatnonzero(splits == VALIDATION).tolist() == [2, 13]
    assert np.flatnonzero(splits == TEST).tolist() == [8, 15]


def test_too_small_classes_stay_in_train_and_are_named() -> None:
    cut = cut_missing(labels_of([1, 2, 30]), np.zeros(33, np.int8), ["one", "two", "many"], seed=0, reference="photos")
    assert cut.splits_N[0] == TRAIN
    assert sorted(cut.splits_N[1:3]) == [TRAIN, VALIDATION]
    assert cut.notes[1] == (
        "class 'one' has too few images for validation and test; class 'two' has too few images for test"
    )


def test_set_without_an_image_to_give_is_refused() -> None:
    message = "photos: Too few images to cut validation and test from train: a class with at least 3 images is needed."
    with pytest.raises(DataError, match=re.escape(message)):
        cut_missing(labels_of([2, 1]), np.zeros(3, np.int8), ["a", "b"], seed=0, reference="photos")


def test_one_class_is_refused() -> None:
    message = (
        "photos: Only one class, 'cats': a classifier needs at least two. "
        "Put the images of each class into a folder of its own."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        check_classes(np.zeros(5, np.int64), np.zeros(5, np.int8), ["cats"], reference="photos")


def test_classes_of_one_split_are_all_named() -> None:
    labels = np.array([0, 0, 1, 2, 3, 3])
    splits = np.array([TRAIN, TEST, TRAIN, TEST, VALIDATION, TEST], np.int8)
    message = (
        "photos: class 'b' has images in train only; class 'c' has images in test only; "
        "class 'd' has images in validation and test only.\n"
        "Add images of it to train and to another split, or leave the class out."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        check_classes(labels, splits, ["a", "b", "c", "d"], reference="photos")


def test_class_without_a_readable_image_is_refused() -> None:
    message = "photos: class 'b' has no readable image.\nAdd images of it to train and to another split, or leave"
    with pytest.raises(DataError, match=re.escape(message)):
        check_classes(np.array([0, 2]), np.zeros(2, np.int8), ["a", "b", "c"], reference="photos")


def test_set_without_train_is_refused() -> None:
    with pytest.raises(DataError, match=re.escape("photos: No images in train, only in test: add a train folder.")):
        check_classes(np.array([0, 1]), np.array([TEST, TEST], np.int8), ["a", "b"], reference="photos")


def test_class_that_one_given_split_lacks_is_noted() -> None:
    labels = np.array([0, 1, 0, 1, 0, 1, 2, 2, 0])
    splits = np.array([TRAIN] * 2 + [VALIDATION] * 2 + [TEST] * 2 + [TRAIN, VALIDATION, VALIDATION], np.int8)
    check_classes(labels, splits, ["a", "b", "c"], reference="photos")
    cut = cut_missing(labels, splits, ["a", "b", "c"], seed=0, reference="photos")
    assert cut.notes == ("class 'c' has no image in test, so it is not measured there",)


def test_class_that_the_only_given_split_lacks_is_noted() -> None:
    labels, splits = labels_of([20, 20]), np.repeat(np.array([TRAIN, TRAIN], np.int8), 20)
    splits[0] = TEST
    check_classes(labels, splits, ["a", "b"], reference="photos")
    notes = cut_missing(labels, splits, ["a", "b"], seed=0, reference="photos").notes
    assert notes[1] == "class 'b' has no image in test, so it is not measured there"
