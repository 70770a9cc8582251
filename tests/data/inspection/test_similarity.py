from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest
from scipy.cluster.hierarchy import DisjointSet

from automl.data.inspection import similarity
from automl.data.inspection.similarity import (
    NEAR_CORRELATION,
    exact_groups,
    near_groups,
    small_copies,
    take_fingerprints,
)


def similar_images(seed: int) -> npt.NDArray[np.uint8]:
    """120 images, N × 16 × 16 × 3, among them chains of ever less similar ones."""
    random = np.random.default_rng(seed)
    images = random.integers(30, 226, (120, 16, 16, 3)).astype(np.int64)
    for number in range(1, 60):
        spread = int(random.integers(1, 30))
        images[number] = images[number - 1] + random.integers(-spread, spread + 1, (16, 16, 3))
    return np.clip(images, 0, 255).astype(np.uint8)


def grouping(numbers_N: npt.NDArray[np.int64]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(numbers_N == number).tolist()) for number in set(numbers_N.tolist())}


def compared_one_by_one(copies_NTTC: npt.NDArray[np.uint8]) -> set[frozenset[int]]:
    correlations_NN = np.corrcoef(copies_NTTC.mean(axis=-1).reshape(len(copies_NTTC), -1))
    sets = DisjointSet(range(len(copies_NTTC)))
    for first, second in itertools.combinations(range(len(copies_NTTC)), 2):
        if correlations_NN[first, second] >= NEAR_CORRELATION:
            sets.merge(first, second)
    return {frozenset(subset) for subset in sets.subsets()}


@pytest.mark.parametrize("tile", [7, 50, 2048])
@pytest.mark.parametrize("most_candidates", [3, 1 << 16])
def test_groups_are_those_of_comparing_every_pair(
    tile: int, most_candidates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similarity, "TILE", tile)
    monkeypatch.setattr(similarity, "MOST_CANDIDATES", most_candidates)
    for seed in range(5):
        images = similar_images(seed)
        found = grouping(near_groups(images))
        assert found == compared_one_by_one(images)
        assert 60 < len(found) < 120


def test_many_copies_are_one_group_at_little_cost() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 1), np.uint8)
    numbers = near_groups(np.repeat(image, 5000, axis=0))
    assert set(numbers.tolist()) == {numbers[0]}


def test_flat_images_are_near_to_none() -> None:
    copies = np.repeat(np.array([10, 10, 200], np.uint8), 16 * 16).reshape(3, 16, 16, 1)
    assert len(grouping(near_groups(copies))) == 3


def test_copies_are_means_of_fields_and_small_images_their_own() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 48, 32, 3), np.uint8)
    means = images.reshape(5, 16, 3, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(small_copies(images).astype(float) - means).max() <= 0.51
    assert np.array_equal(small_copies(images[:, :8, :9]), images[:, :8, :9])
    assert small_copies(images[:, :20, :17]).shape == (5, 16, 16, 3)


def test_equal_pixels_and_only_they_share_a_group() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 9, 1), np.uint8)
    images[4] = images[1]
    images[5] = images[2]
    images[5, 0, 0, 0] ^= 1
    fingerprints = take_fingerprints(images, np.arange(6))
    assert grouping(exact_groups(fingerprints.digests_N)) == {frozenset(s) for s in ({0}, {1, 4}, {2}, {3}, {5})}
