"""What networks say of the validation split, kept so that temperatures and ensembles need no images.

N images, K classes. In the file of a trial's weights this takes N × (4 + 4 K) bytes: 115 kB for FER2013.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.data.batches.batching import Images


@dataclass(frozen=True)
class Predictions:
    """One network's probabilities of every image of a split, on the host: their logarithms, float16."""

    labels_N: Tensor
    """int32."""
    votes_NK: Tensor
    mirrored_votes_NK: Tensor
    """Of the images turned left to right."""

    @classmethod
    def of(cls, labels_N: npt.NDArray[np.int64], logits_NK: Tensor, mirrored_logits_NK: Tensor) -> Predictions:
        """From logits on any device. A logarithm keeps its precision where a probability in float16 becomes 0."""
        smallest = torch.finfo(torch.float16).min
        votes = (
            logits.log_softmax(dim=1).clamp(min=smallest).to("cpu", torch.float16)
            for logits in (logits_NK, mirrored_logits_NK)
        )
        return cls(torch.tensor(labels_N, dtype=torch.int32), *votes)

    def pooled(self, *, tta: bool) -> Tensor:
        """Logits, N × K float32; with `tta` of the mean over each image and its mirror image."""
        votes = [self.votes_NK, self.mirrored_votes_NK] if tta else [self.votes_NK]
        return pool([vote_NK.float() for vote_NK in votes], [1 / len(votes)] * len(votes))


class MirroredImages:
    """Images turned left to right as they are taken."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self.device = images.device
        self.shape_HWC = images.shape_HWC

    def __len__(self) -> int:
        return len(self._images)

    def take(self, positions_B: Tensor) -> Tensor:
        """Return mirrored images, B × H × W × C on the device."""
        return self._images.take(positions_B).flip(2)


def pool(logits: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Logarithms of the mean probabilities, N × K, of votes (each N × K) that count with shares that add up to 1."""
    votes = [logits_NK.log_softmax(dim=1) + math.log(share) for logits_NK, share in zip(logits, shares, strict=True)]
    return torch.stack(votes).logsumexp(dim=0)
