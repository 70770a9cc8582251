"""`digits`: scikit-learn's 1,797 handwritten digits of 8 × 8 pixels, for a first try in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.data.decoding.arrays import ArrayImages
from automl.data.source_contents import SourceContents

WHITE = 16
"""The brightest value in scikit-learn's copy."""


@dataclass(frozen=True)
class Digits:
    """The set that is always there."""

    name: str = "digits"
    reference: str = "digits"

    def identity(self) -> str:
        """Always the same."""
        return self.name

    def contents(self) -> SourceContents:
        """Pixels from 0 to 255, no splits."""
        from sklearn.datasets import load_digits  # a second to import, and the cache does without

        digits = load_digits()
        pixels_MHW = np.rint(digits.images * (255 / WHITE)).astype(np.uint8)
        return SourceContents(
            images=ArrayImages(pixels_MHW[..., np.newaxis]),
            class_names=tuple(str(label) for label in digits.target_names),
            labels_M=digits.target.astype(np.int64),
            splits_M=np.zeros(len(digits.target), np.int8),
        )
