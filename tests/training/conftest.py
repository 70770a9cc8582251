"""Data sets for training tests: scikit-learn's digits, and small ones cut from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from automl.data.dataset import DataSet, Split


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As a worker computes: on a busy machine the threads of one small network only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def digits() -> DataSet:
    """1797 digits of 8 × 8 pixels: 1437 to train, 180 to validate, 180 to test."""
    raw = load_digits()
    images = np.round(raw.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = raw.target.astype(np.int64)
    rows = np.random.default_rng(0).permutation(len(images))
    cuts = {"train": rows[:1437], "validation": rows[1437:1617], "test": rows[1617:]}
    splits = {name: Split(images, np.sort(chosen), labels[np.sort(chosen)]) for name, chosen in cuts.items()}
    return DataSet(
        name="digits",
        reference="digits",
        fingerprint="0" * 64,
        class_names=tuple("0123456789"),
        image_shape=(1, 8, 8),
        splits=splits,  # type: ignore[arg-type]
        left_out=(),
        notes=(),
    )


@pytest.fixture(scope="session")
def few_digits(digits: DataSet) -> DataSet:
    """240 of them to train, for tests of what does not depend on how much is learnt."""
    train = digits.splits["train"]
    fewer = Split(train.images_MHWC, train.rows_N[:240], train.labels_N[:240])
    return dataclasses.replace(digits, splits={**digits.splits, "train": fewer})
