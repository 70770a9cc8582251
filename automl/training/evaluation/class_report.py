"""scikit-learn's report of a classification, class by class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import classification_report


def class_report(confusion_KK: npt.NDArray[np.int64], class_names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Rows of precision, recall, f1-score and support: each class, then `macro avg` and `weighted avg`.

    `confusion_KK`: true classes down, predicted ones across. Shares are 0 where nothing can be divided.
    """
    true, predicted = np.nonzero(confusion_KK)
    report: dict[str, Any] = classification_report(
        true,
        predicted,
        sample_weight=confusion_KK[true, predicted],
        labels=range(len(class_names)),
        target_names=list(class_names),
        output_dict=True,
        zero_division=0,
    )
    return {name: row for name, row in report.items() if isinstance(row, dict)}  # its row `accuracy` is one number
