from __future__ import annotations

import numpy as np
import torch
from torch import nn

from automl.data.batches.batching import HostImages
from automl.data.batches.normalization import Normalization
from automl.models.building import build_model
from automl.recipe import Recipe
from automl.training.evaluation.forward import predict_logits
from automl.training.evaluation.scoring import evaluate_logits

CPU = torch.device("cpu")
NORMALIZATION = Normalization((0.3,), (0.2,))


def images(count: int, side: int = 8) -> HostImages:
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 1), dtype=np.uint8)
    return HostImages(pixels, np.arange(count), CPU)


def network() -> nn.Module:
    return build_model(Recipe(depth=2, width=4, dropout=0.5), (1, 8, 8), 3)


def test_logits_are_those_of_the_network_in_evaluation_mode() -> None:
    model, source = network().train(), images(9)
    got = predict_logits(model, source, normalization=NORMALIZATION, precision="float32")
    pixels = torch.from_numpy(source.images_MHWC).permute(0, 3, 1, 2)
    expected = model.eval()((pixels / 255 - 0.3) / 0.2)
    torch.testing.assert_close(got, expected.detach())


def test_prediction_of_many_batches_keeps_the_order() -> None:
    model, source = network(), images(40_000)
    together = predict_logits(model, source, normalization=NORMALIZATION, precision="float32")
    last = HostImages(source.images_MHWC, np.arange(39_990, 40_000), CPU)
    alone = predict_logits(model, last, normalization=NORMALIZATION, precision="float32")
    torch.testing.assert_close(together[-10:], alone)


def test_bfloat16_gives_float32_logits_close_to_float32s() -> None:
    model = network()
    half = predict_logits(model, images(50), normalization=NORMALIZATION, precision="bfloat16")
    full = predict_logits(model, images(50), normalization=NORMALIZATION, precision="float32")
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, full, atol=0.01, rtol=0)


def test_evaluation_counts_and_averages() -> None:
    logits = torch.tensor([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    evaluation = evaluate_logits(logits, np.array([0, 1, 1]))
    assert evaluation.confusion_KK.tolist() == [[1, 0], [1, 1]]
    assert evaluation.accuracy == 2 / 3
    assert evaluation.balanced_accuracy == 0.75
    right = np.log1p(np.exp(-2.0))
    np.testing.assert_allclose(evaluation.loss, (right + (right + 2) + right) / 3, rtol=1e-6)
