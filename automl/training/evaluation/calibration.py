"""Calibration: reliability bins, expected calibration error, temperature scaling. N images, K classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import Tensor

from automl.metrics import CalibratedFigures, Calibration
from automl.training.evaluation.predictions import Predictions
from automl.training.evaluation.scoring import evaluate_logits

BINS = 15
LARGEST_LOG_TEMPERATURE = 5.0
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Images whose most probable class has a probability above `low` and up to `high`."""

    low: float
    high: float
    images: int
    confidence: float
    """Mean of these probabilities; 0 without images."""
    accuracy: float
    """Share of these images that are of that class; 0 without images."""


def reliability(logits_NK: Tensor, labels_N: npt.NDArray[np.int64]) -> tuple[Bin, ...]:
    """Images in 15 bins of equal width by the probability of their most probable class.

    Source: Guo et al. 2017, "On calibration of modern neural networks", section 2.
    """
    log_probabilities_NK = log_softmax(_floats(logits_NK), axis=1)
    confidence_N = np.exp(log_probabilities_NK.max(axis=1))
    hit_N = log_probabilities_NK.argmax(axis=1) == labels_N
    bin_N = np.clip(np.ceil(confidence_N * BINS).astype(int) - 1, 0, BINS - 1)
    return tuple(_bin(index, confidence_N[bin_N == index], hit_N[bin_N == index]) for index in range(BINS))


def _bin(index: int, confidence_B: Floats, hit_B: npt.NDArray[np.bool_]) -> Bin:
    count = max(len(hit_B), 1)
    return Bin(
        index / BINS, (index + 1) / BINS, len(hit_B), float(confidence_B.sum() / count), float(hit_B.sum() / count)
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error, from 0 to 1: the mean over all images of |accuracy - confidence| of their bin.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".
    """
    gaps = sum(bin_.images * abs(bin_.accuracy - bin_.confidence) for bin_ in bins)
    return gaps / sum(bin_.images for bin_ in bins)


def fit_temperature(logits_NK: Tensor, labels_N: npt.NDArray[np.int64]) -> float:
    """Fit the divisor of the logits that minimizes the cross entropy of the labels.

    One more image with a uniform target is added, so that a split without a single error does not ask for certainty.
    Platt 1999 does it for two classes. The cross entropy is convex in 1 / temperature, so there is one minimum.

    Source: Guo et al. 2017, section 4.2 (temperature scaling).
    """
    logits, undecided = _floats(logits_NK), 1 / (len(labels_N) + 1)

    def loss(log_temperature: float) -> float:
        log_probabilities_NK = log_softmax(logits / np.exp(log_temperature), axis=1)
        of_labels = log_probabilities_NK[np.arange(len(labels_N)), labels_N].mean()
        return float(-(1 - undecided) * of_labels - undecided * log_probabilities_NK.mean())

    bounds = (-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE)
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x))


def calibrated_figures(predictions: Predictions, *, tta: bool) -> CalibratedFigures:
    """Metrics of predictions, with the temperature that is fitted to them."""
    return figures_of(predictions.pooled(tta=tta), predictions.labels_N.numpy().astype(np.int64))


def figures_of(logits_NK: Tensor, labels_N: npt.NDArray[np.int64]) -> CalibratedFigures:
    """Metrics of logits, with the temperature that is fitted to them."""
    temperature = fit_temperature(logits_NK, labels_N)
    found, calibrated = (evaluate_logits(logits, labels_N) for logits in (logits_NK, logits_NK / temperature))
    return CalibratedFigures(
        images=len(labels_N),
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        balanced_accuracy=found.balanced_accuracy,
        loss=found.loss,
        calibrated_loss=calibrated.loss,
        calibration=measure_calibration(logits_NK, labels_N, temperature=temperature),
    )


def measure_calibration(logits_NK: Tensor, labels_N: npt.NDArray[np.int64], *, temperature: float) -> Calibration:
    """Calibration errors of logits as they are, and divided by a temperature."""
    return Calibration(
        temperature=temperature,
        error_before=calibration_error(reliability(logits_NK, labels_N)),
        error_after=calibration_error(reliability(logits_NK / temperature, labels_N)),
    )


def _floats(logits_NK: Tensor) -> Floats:
    return logits_NK.cpu().numpy().astype(np.float64)
