"""Which networks vote together, chosen on what each of them says of the validation split. N images, K classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.metrics import Metric
from automl.training.evaluation.predictions import Predictions, pool
from automl.training.evaluation.scoring import evaluate_logits

ROUNDS = 20
"""A share is at least one in so many."""


def choose_shares(
    candidates: Sequence[Predictions],
    *,
    metric: Metric,
    tta: bool,
    may_vote: Callable[[frozenset[int]], bool] | None = None,
) -> tuple[float, ...]:
    """Each candidate's share in the vote: together 1; 0 for those that it is better without.

    `may_vote`: whether candidates, by position, are allowed together; at least one has to be alone. None: all are.

    Round by round the candidate joins with which the vote is best on the validation split, and one may join again: it
    then counts twice. Of all these votes the best is taken, the smaller one of two that are equal. Where the metric
    cannot tell two votes apart, as an accuracy often cannot, the cross entropy does.

    Source: Caruana et al. 2004, "Ensemble selection from libraries of models", sections 2 and 2.1.
    """
    labels_N = candidates[0].labels_N.numpy().astype(np.int64)
    said_NK = [candidate.pooled(tta=tta).double().exp() for candidate in candidates]
    vote_NK = torch.zeros_like(said_NK[0])
    path: list[tuple[float, float]] = []
    joined: list[int] = []
    for _ in range(ROUNDS):
        allowed = [one for one in range(len(said_NK)) if may_vote is None or may_vote(frozenset((*joined, one)))]
        worth = {one: _worth(vote_NK + said_NK[one], labels_N, metric) for one in allowed}
        joined.append(max(allowed, key=worth.__getitem__))
        path.append(worth[joined[-1]])
        vote_NK += said_NK[joined[-1]]
    size = path.index(max(path)) + 1
    return tuple(joined[:size].count(candidate) / size for candidate in range(len(candidates)))


def pooled(candidates: Sequence[Predictions], shares: Sequence[float], *, tta: bool) -> Tensor:
    """Logits of the vote, N × K float32."""
    voting = [(one, share) for one, share in zip(candidates, shares, strict=True) if share > 0]
    return pool([one.pooled(tta=tta) for one, _ in voting], [share for _, share in voting])


def _worth(vote_NK: Tensor, labels_N: npt.NDArray[np.int64], metric: Metric) -> tuple[float, float]:
    """More is better."""
    found = evaluate_logits(vote_NK.clamp(min=torch.finfo(vote_NK.dtype).tiny).log(), labels_N)
    value: float = getattr(found, metric.name)
    return (value if metric.maximize else -value), -found.loss
