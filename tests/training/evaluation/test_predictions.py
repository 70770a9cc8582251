from __future__ import annotations

import numpy as np
import torch

from automl.training.evaluation.predictions import Predictions


def test_stored_predictions_keep_their_keys_and_are_read_back() -> None:
    logits_NK = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    predictions = Predictions.of(np.array([0, 1]), logits_NK, -logits_NK)
    document = predictions.as_document()
    assert list(document) == ["labels_N", "votes_NK", "mirrored_votes_NK"]
    again = Predictions.from_document(document)
    assert torch.equal(again.labels_N, predictions.labels_N)
    assert torch.equal(again.log_probabilities_NK, predictions.log_probabilities_NK)
    assert torch.equal(again.mirrored_log_probabilities_NK, predictions.mirrored_log_probabilities_NK)
