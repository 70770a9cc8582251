from __future__ import annotations

import numpy as np
import torch

from automl.data.batches.normalization import measure_normalization
from automl.data.dataset import Split


def split(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], rows: list[int]) -> Split:
    return Split(images, np.array(rows), np.zeros(len(rows), dtype=np.int64))


def test_only_the_splits_own_images_are_measured_channel_by_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 6, 7, 3), dtype=np.uint8)
    measured = measure_normalization(split(images, [3, 4, 40]))
    chosen = images[[3, 4, 40]] / 255
    np.testing.assert_allclose(measured.mean, chosen.mean((0, 1, 2)))
    np.testing.assert_allclose(measured.std, chosen.std((0, 1, 2)))


def test_normalized_pixels_have_mean_0_and_deviation_1() -> None:
    images = np.random.default_rng(1).integers(0, 200, (2000, 4, 4, 1), dtype=np.uint8)
    pixels = measure_normalization(split(images, list(range(2000))))(torch.from_numpy(images).permute(0, 3, 1, 2))
    assert abs(pixels.mean()) < 1e-5
    assert abs(pixels.std(correction=0) - 1) < 1e-5


def test_constant_images_become_zeros() -> None:
    images = np.full((4, 2, 2, 1), 77, dtype=np.uint8)
    pixels = measure_normalization(split(images, [0, 1, 2, 3]))(torch.from_numpy(images).permute(0, 3, 1, 2))
    torch.testing.assert_close(pixels, torch.zeros(4, 1, 2, 2), atol=1e-4, rtol=0)
