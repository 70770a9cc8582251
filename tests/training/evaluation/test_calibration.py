from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from automl.training.evaluation.calibration import (
    calibrated_figures,
    calibration_error,
    figures_of,
    fit_temperature,
    reliability,
)
from automl.training.evaluation.predictions import Predictions

IMAGES, CLASSES = 20_000, 5


def drawn(temperature: float, *, seed: int = 0) -> tuple[torch.Tensor, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Logits, and labels that are as frequent as the logits say once they are divided by the temperature."""
    generator = torch.Generator().manual_seed(seed)
    logits_NK = 4 * torch.randn(IMAGES, CLASSES, generator=generator)
    labels_N = torch.multinomial((logits_NK / temperature).softmax(dim=1), 1, generator=generator)[:, 0]
    return logits_NK, labels_N.numpy()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_that_labels_were_drawn_with_is_found(temperature: float) -> None:
    figures = figures_of(*drawn(temperature))
    assert figures.calibration.temperature == pytest.approx(temperature, rel=0.03)
    assert figures.calibration.error_after < 0.01
    assert figures.calibrated_loss <= figures.loss + 1e-6


def test_error_is_large_where_a_network_is_too_sure() -> None:
    found = figures_of(*drawn(3.0)).calibration
    assert found.error_before > 10 * found.error_after


@given(temperature=st.floats(0.05, 20), seed=st.integers(0, 100))
def test_no_temperature_changes_a_class(temperature: float, seed: int) -> None:
    logits_NK = torch.randn(50, 4, generator=torch.Generator().manual_seed(seed))
    assert torch.equal((logits_NK / temperature).argmax(dim=1), logits_NK.argmax(dim=1))


def test_split_without_a_mistake_does_not_ask_for_certainty() -> None:
    labels_N = np.arange(100) % 4
    logits_NK = 10 * torch.eye(4)[torch.from_numpy(labels_N)]
    temperature = fit_temperature(logits_NK, labels_N)
    sure = float((logits_NK / temperature).softmax(dim=1).amax())
    assert sure == pytest.approx(1 - 3 / 4 / 101, abs=1e-4)  # one image more, undecided among four classes


def test_error_is_the_gap_of_each_bin_weighted_by_its_images() -> None:
    says = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]], dtype=torch.float64)
    bins = reliability(says.log(), np.array([0, 0, 1, 1]))
    assert [one.images for one in bins if one.images] == [1, 3]
    assert calibration_error(bins) == pytest.approx(3 / 4 * (0.9 - 2 / 3) + 1 / 4 * 0.6)


def test_bins_hold_every_image_once_and_certainty_is_in_the_last() -> None:
    logits_NK, labels_N = drawn(1.0)
    bins = reliability(torch.cat([logits_NK, torch.tensor([[1000.0] + [0.0] * 4])]), np.append(labels_N, 0))
    assert sum(one.images for one in bins) == IMAGES + 1
    assert all(one.low < one.confidence <= one.high + 1e-12 for one in bins if one.images)
    assert math.isclose(bins[-1].high, 1)


def test_mirror_images_are_averaged_as_probabilities() -> None:
    logits_NK, labels_N = drawn(1.0)
    mirrored_NK = drawn(1.0, seed=1)[0]
    predictions = Predictions.of(labels_N, logits_NK, mirrored_NK)
    mean_NK = (logits_NK.softmax(dim=1) + mirrored_NK.softmax(dim=1)) / 2
    torch.testing.assert_close(predictions.pooled(tta=True).exp(), mean_NK, atol=1e-3, rtol=1e-2)
    expected = float((mean_NK.argmax(dim=1).numpy() == labels_N).mean())
    assert calibrated_figures(predictions, tta=True).accuracy == pytest.approx(expected, abs=1e-3)


def test_kept_predictions_take_two_bytes_a_probability_and_lose_no_certainty() -> None:
    logits_NK, labels_N = drawn(1.0)
    logits_NK[0] = torch.tensor([60.0, 0, 0, 0, 0])
    kept = Predictions.of(labels_N, logits_NK, -logits_NK)
    assert sum(tensor.nbytes for tensor in vars(kept).values()) == IMAGES * (4 + 4 * CLASSES)
    found, exact = figures_of(kept.pooled(tta=False), labels_N), figures_of(logits_NK, labels_N)
    assert found.calibration.temperature == pytest.approx(exact.calibration.temperature, rel=1e-3)
    assert found.loss == pytest.approx(exact.loss, rel=1e-3)
