"""Predictions of networks for the validation split, stored so that temperatures and ensembles need no images.

N images, K classes. In the file of a trial's weights this takes N × (4 + 4 K) bytes: 115 kB for FER2013.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automl.data.batches.batching import SplitImages

STORED_KEYS = ("labels_N", "votes_NK", "mirrored_votes_NK")
"""Keys in the files of weights, in the order of the fields of Predictions. They never change."""


@dataclass(frozen=True)
class Predictions:
    """Log-probabilities of one network for every image of a split, float16, on the host."""

    labels_N: Tensor
    """True classes, int32."""
    log_probabilities_NK: Tensor
    mirrored_log_probabilities_NK: Tensor
    """Log-probabilities of the mirrored images."""

    @classmethod
    def of(cls, labels_N: npt.NDArray[np.int64], logits_NK: Tensor, mirrored_logits_NK: Tensor) -> Predictions:
        """From logits on any device. A logarithm keeps its precision where a probability in float16 becomes 0."""
        smallest = torch.finfo(torch.float16).min
        log_probabilities = (
            logits.log_softmax(dim=1).clamp(min=smallest).to("cpu", torch.float16)
            for logits in (logits_NK, mirrored_logits_NK)
        )
        return cls(torch.tensor(labels_N, dtype=torch.int32), *log_probabilities)

    @classmethod
    def from_document(cls, document: Mapping[str, Tensor]) -> Predictions:
        """Read back what `as_document` returned."""
        return cls(*(document[key] for key in STORED_KEYS))

    def as_document(self) -> dict[str, Tensor]:
        """Tensors by their keys in the file of a trial's weights."""
        tensors = (self.labels_N, self.log_probabilities_NK, self.mirrored_log_probabilities_NK)
        return dict(zip(STORED_KEYS, tensors, strict=True))

    def pooled(self, *, tta: bool) -> Tensor:
        """Logits, N × K float32; with `tta` of the mean over each image and its mirror image."""
        views = [self.log_probabilities_NK, self.mirrored_log_probabilities_NK] if tta else [self.log_probabilities_NK]
        return pool([view_NK.float() for view_NK in views], [1 / len(views)] * len(views))


class MirroredImages:
    """Images turned left to right as they are taken."""

    def __init__(self, images: SplitImages) -> None:
        self._images = images
        self.device = images.device
        self.shape_HWC = images.shape_HWC

    def __len__(self) -> int:
        return len(self._images)

    def take(self, positions_B: Tensor) -> Tensor:
        """Return mirrored images, B × H × W × C on the device."""
        return self._images.take(positions_B).flip(2)


def pool(logits: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Log of the weighted mean probability, N × K, of several networks' logits (each N × K). The shares add up to 1."""
    weighted = [logits_NK.log_softmax(dim=1) + math.log(share) for logits_NK, share in zip(logits, shares, strict=True)]
    return torch.stack(weighted).logsumexp(dim=0)
