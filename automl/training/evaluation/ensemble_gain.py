"""Whether a greedily chosen ensemble beats the best single network by more than the noise of a validation split.

The ensemble was chosen among many on the very images that it is judged by, and so was the best network. So both are
chosen on one half of the split and judged on the other, and the other way round. N images, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.metrics import Metric
from automl.training.evaluation.calibration import fit_temperature
from automl.training.evaluation.ensemble_selection import Allowed, choose_shares, on_one_thread, pooled
from automl.training.evaluation.predictions import Predictions
from automl.training.evaluation.scoring import evaluate_logits

CUTS = 5
"""Number of different cuts of the split into halves. Their differences are averaged image by image."""
STANDARD_ERRORS = 1.645
"""Standard errors of the difference that count as noise: one in twenty equal ensembles would pass."""

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class EnsembleGain:
    """Ensemble and best network on images that neither of them was chosen on."""

    together: float
    """Metric of the ensemble."""
    alone: float
    """Metric of the best network."""
    noise: float
    """Noise of their difference, on the same images."""
    maximize: bool

    @property
    def gain(self) -> float:
        """Difference, positive if the ensemble is better."""
        return self.together - self.alone if self.maximize else self.alone - self.together

    @property
    def is_beyond_noise(self) -> bool:
        """Whether the ensemble is better by more than the noise."""
        return self.gain > self.noise


@on_one_thread()
def measure_gain(
    candidates: Sequence[Predictions], *, metric: Metric, tta: bool, is_allowed: Allowed | None = None
) -> EnsembleGain | None:
    """Judge the choice of an ensemble among these networks against that of the best one. None for a single image.

    The noise comes from the paired differences of the same images. It counts two images more, one for and one against
    the ensemble, so that a handful of images decides nothing: 4 of 20 are within the noise, and 5 of 20 are not, as in
    the exact test of their signs. An image's part in a metric is its influence on it, exact for accuracy and loss,
    linear for balanced accuracy and F1.

    `tta`, `is_allowed`: as in `choose_shares`.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 21 (the delta method); Agresti and
    Min 2005, "Simple improved confidence intervals for comparing matched proportions" (the two images).
    """
    labels_N = candidates[0].labels_N.numpy().astype(np.int64)
    if len(labels_N) < 2:
        return None
    values, influences = [], []
    for seed in range(CUTS):
        half_N = _first_half(labels_N, seed=seed)
        together_NK, alone_NK = _held_out(candidates, half_N, metric=metric, tta=tta, is_allowed=is_allowed)
        values.append([_value(logits_NK, labels_N, metric) for logits_NK in (together_NK, alone_NK)])
        influences.append(_influence(together_NK, labels_N, metric) - _influence(alone_NK, labels_N, metric))
    together, alone = np.mean(values, axis=0)
    gain = together - alone if metric.maximize else alone - together
    noise = _noise(np.mean(influences, axis=0) + gain)
    return EnsembleGain(float(together), float(alone), noise, metric.maximize)


def _noise(influence_N: Floats) -> float:
    """Noise of a mean of these differences, if their expectation were 0."""
    variance = float((influence_N**2).sum() + 2 * np.abs(influence_N).max() ** 2)
    return STANDARD_ERRORS * math.sqrt(variance) / len(influence_N)


def _first_half(labels_N: Labels, *, seed: int) -> npt.NDArray[np.bool_]:
    """Half of the images of each class at random. Of odd counts, one class has the odd image here, the next there."""
    half_N, odd = np.zeros(len(labels_N), bool), False
    generator = np.random.default_rng(seed)
    for label in np.unique(labels_N):
        rows = generator.permutation(np.flatnonzero(labels_N == label))
        half_N[rows[: (len(rows) + odd) // 2]] = True
        odd ^= bool(len(rows) % 2)
    return half_N


def _held_out(
    candidates: Sequence[Predictions],
    half_N: npt.NDArray[np.bool_],
    *,
    metric: Metric,
    tta: bool,
    is_allowed: Allowed | None,
) -> tuple[Tensor, Tensor]:
    """Logits of all images, by what was chosen without them: the ensemble's and the best network's."""
    together_NK, alone_NK = (torch.zeros_like(candidates[0].pooled(tta=tta)) for _ in range(2))
    for judged_N in (half_N, ~half_N):
        chosen, judged = ([_rows(one, rows_N) for one in candidates] for rows_N in (~judged_N, judged_N))
        shares = choose_shares(chosen, metric=metric, tta=tta, is_allowed=is_allowed)
        best = _best_alone(chosen, metric, tta=tta)
        rows = torch.from_numpy(judged_N)
        together_NK[rows] = _calibrated(chosen, judged, shares, metric, tta=tta)
        alone_NK[rows] = _calibrated(chosen, judged, best, metric, tta=tta)
    return together_NK, alone_NK


def _rows(one: Predictions, rows_N: npt.NDArray[np.bool_]) -> Predictions:
    return Predictions(*(tensor[torch.from_numpy(rows_N)] for tensor in one.as_document().values()))


def _best_alone(chosen: Sequence[Predictions], metric: Metric, *, tta: bool) -> tuple[float, ...]:
    """All of the share for the network that is best, the earlier one of two that are equal."""
    labels_N = chosen[0].labels_N.numpy().astype(np.int64)
    values = [_value(one.pooled(tta=tta), labels_N, metric) for one in chosen]
    best = values.index(max(values) if metric.maximize else min(values))
    return tuple(float(position == best) for position in range(len(chosen)))


def _calibrated(
    chosen: Sequence[Predictions],
    judged: Sequence[Predictions],
    shares: Sequence[float],
    metric: Metric,
    *,
    tta: bool,
) -> Tensor:
    """Logits of the judged images; for the loss divided by the temperature that the other half asks for."""
    logits_NK = pooled(judged, shares, tta=tta)
    if metric.name != "loss":
        return logits_NK
    labels_N = chosen[0].labels_N.numpy().astype(np.int64)
    return logits_NK / fit_temperature(pooled(chosen, shares, tta=tta), labels_N)


def _value(logits_NK: Tensor, labels_N: Labels, metric: Metric) -> float:
    return float(getattr(evaluate_logits(logits_NK, labels_N), metric.name))


def _influence(logits_NK: Tensor, labels_N: Labels, metric: Metric) -> Floats:
    """Influence of each image on the metric, or on the loss's negative: their mean is 0."""
    if metric.name == "loss":
        loss_N = torch.nn.functional.cross_entropy(logits_NK.double(), torch.from_numpy(labels_N), reduction="none")
        return _centred(-loss_N.numpy())
    predicted_N = logits_NK.argmax(dim=1).numpy().astype(np.int64)
    if metric.name == "accuracy":
        return _centred((predicted_N == labels_N).astype(np.float64))
    classes = logits_NK.shape[1]
    if metric.name == "balanced_accuracy":
        return _influence_on_recall(predicted_N, labels_N, classes)
    return _influence_on_f1(predicted_N, labels_N, classes)


def _influence_on_recall(predicted_N: Labels, labels_N: Labels, classes: int) -> Floats:
    """Influence on the mean recall: of an image, by how far it is above the recall of its class."""
    hit_N = (predicted_N == labels_N).astype(np.float64)
    images_K = np.bincount(labels_N, minlength=classes)
    recall_K = np.bincount(labels_N, weights=hit_N, minlength=classes) / np.maximum(images_K, 1)
    weight_N: Floats = len(labels_N) / (images_K > 0).sum() / images_K[labels_N]
    influence_N: Floats = weight_N * (hit_N - recall_K[labels_N])
    return influence_N


def _influence_on_f1(predicted_N: Labels, labels_N: Labels, classes: int) -> Floats:
    """Influence on the mean F1: of an image, on the F1 of its class and on that of the class it is taken for."""
    hit_N = (predicted_N == labels_N).astype(np.float64)
    occurrences_K = np.bincount(labels_N, minlength=classes) + np.bincount(predicted_N, minlength=classes)
    f1_K = 2 * np.bincount(labels_N, weights=hit_N, minlength=classes) / np.maximum(occurrences_K, 1)
    by_label_N: Floats = (2 * hit_N - f1_K[labels_N]) / occurrences_K[labels_N]
    by_prediction_N: Floats = f1_K[predicted_N] / occurrences_K[predicted_N]
    scale = len(labels_N) / int((occurrences_K > 0).sum())
    return scale * (by_label_N - by_prediction_N)


def _centred(value_N: Floats) -> Floats:
    centred_N: Floats = value_N - value_N.mean()
    return centred_N
