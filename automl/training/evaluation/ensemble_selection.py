"""Greedy selection of an ensemble's members on their validation predictions. N images, K classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.metrics import Metric
from automl.training.evaluation.predictions import Predictions, pool
from automl.training.evaluation.scoring import evaluate_logits

ROUNDS = 20
"""Number of selection rounds. The smallest share of a member is one in so many."""

Allowed: TypeAlias = Callable[[frozenset[int]], bool]
"""Whether candidates, by position, are allowed together."""


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Compute on one thread. These tensors are small, and beside other work the threads wait for each other.

    A choice of 5 networks for 3,589 images took 0.6 s of processor time on one thread, 9.7 s on two (two cores of an
    AMD EPYC at a load of 10, torch 2.15, 2026-11).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@on_one_thread()
def choose_shares(
    candidates: Sequence[Predictions],
    *,
    metric: Metric,
    tta: bool,
    is_allowed: Allowed | None = None,
) -> tuple[float, ...]:
    """Choose each candidate's share in the ensemble. The shares add up to 1; a candidate that is left out has 0.

    `is_allowed`: at least one candidate has to be allowed alone. None: all are.

    Each round adds the candidate with which the ensemble is best on the validation split. A candidate may be added
    again and then counts twice. The best of these ensembles is taken, the smaller one of two that are equal. Ties in
    the metric, frequent with an accuracy, are broken by the cross entropy.

    Source: Caruana et al. 2004, "Ensemble selection from libraries of models", sections 2 and 2.1.
    """
    labels_N = candidates[0].labels_N.numpy().astype(np.int64)
    probabilities_NK = [candidate.pooled(tta=tta).double().exp() for candidate in candidates]
    ensemble_NK = torch.zeros_like(probabilities_NK[0])
    path: list[tuple[float, float]] = []
    joined: list[int] = []
    for _ in range(ROUNDS):
        allowed = [
            one for one in range(len(probabilities_NK)) if is_allowed is None or is_allowed(frozenset((*joined, one)))
        ]
        scores = {one: _score(ensemble_NK + probabilities_NK[one], labels_N, metric) for one in allowed}
        joined.append(max(allowed, key=scores.__getitem__))
        path.append(scores[joined[-1]])
        ensemble_NK += probabilities_NK[joined[-1]]
    size = path.index(max(path)) + 1
    return tuple(joined[:size].count(candidate) / size for candidate in range(len(candidates)))


def pooled(candidates: Sequence[Predictions], shares: Sequence[float], *, tta: bool) -> Tensor:
    """Logits of the ensemble, N × K float32."""
    members = [(one, share) for one, share in zip(candidates, shares, strict=True) if share > 0]
    return pool([one.pooled(tta=tta) for one, _ in members], [share for _, share in members])


def _score(ensemble_NK: Tensor, labels_N: npt.NDArray[np.int64], metric: Metric) -> tuple[float, float]:
    """Metric and negative cross entropy: more is better."""
    found = evaluate_logits(ensemble_NK.clamp(min=torch.finfo(ensemble_NK.dtype).tiny).log(), labels_N)
    value: float = getattr(found, metric.name)
    return (value if metric.maximize else -value), -found.loss
