"""Model: trained networks with all they need to classify images as they come. N images, K classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from automl.data.batches.batching import HostImages, SplitImages
from automl.errors import ModelError
from automl.export.card import ModelCard
from automl.export.prediction.classifier import Classifier, NormalizedNetwork
from automl.export.prediction.image_inputs import Pictures, as_pixels
from automl.models.work import work_of
from automl.recipe import Recipe
from automl.training.evaluation.forward import at_once

FLOAT_BYTES = 4
BATCH_BYTES = 2**30
"""Memory that the feature maps of one batch may take."""


@dataclass(frozen=True)
class Prediction:
    """Prediction for one image."""

    label: str
    probability: float
    """Probability of the label, from 0 to 1."""
    probabilities: Mapping[str, float]
    """Probability of every class, in the model's order. They add up to 1."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


class Model:
    """An exported model, ready to predict. It computes in float32, so that predictions are the same everywhere."""

    def __init__(
        self, networks: Sequence[nn.Module], card: ModelCard, device: torch.device, *, tta: bool | None = None
    ) -> None:
        """`networks`: of the card's members, in their order. `tta`: other than the card says."""
        self.card = card
        self.device = device
        self.tta = card.tta if tta is None else tta
        self.classifier = (
            _classifier(networks, card, tta=self.tta).to(device).eval().requires_grad_(requires_grad=False)
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, by index of the outputs."""
        return self.card.classes

    @property
    def recipe(self) -> Recipe:
        """Recipe of the network; of several networks, that of the best one."""
        return self.card.recipe

    @property
    def metrics(self) -> Mapping[str, float]:
        """Metrics by name, with the split in it."""
        return self.card.metrics

    def predict(self, images: Pictures) -> list[Prediction]:
        """Class and probabilities of each image; one image gives a list of one.

        Takes a path, a PIL image, a numpy array (H×W, H×W×C, N×H×W, N×H×W×C) or a torch tensor (H×W, C×H×W, N×C×H×W),
        uint8 or float from 0 to 1, or a list of such images. Other sizes and modes are converted as for training. Where
        the training images had more than 8 bits, so do arrays of their kind: they hold the values of the files.

        Raises: DataError if something is no image, or could be read in two ways. ModelError if the networks give no
            numbers.
        """
        return [self._prediction(row_K) for row_K in self.predict_probabilities(images)]

    def predict_probabilities(self, images: Pictures) -> npt.NDArray[np.float32]:
        """Probabilities, N × K float32, of the images that `predict` takes.

        Raises: as `predict` does.
        """
        pixels_NHWC = as_pixels(images, self.card.image_shape, self.card.sizing.fit, scale=self.card.pixel_range)
        if len(pixels_NHWC) == 0:
            return np.zeros((0, len(self.classes)), np.float32)
        logits_NK = self.logits(HostImages(pixels_NHWC, np.arange(len(pixels_NHWC)), self.device))
        return (logits_NK / self.classifier.temperature).softmax(dim=1).cpu().numpy()

    def logits(self, images: SplitImages) -> Tensor:
        """Logits before the temperature, N × K float32 on the device, of at least one image in the model's shape.

        Raises: ModelError if they are no numbers.
        """
        with torch.inference_mode():
            logits_NK = torch.cat(
                [
                    self.classifier.logits(images.take(positions_B).permute(0, 3, 1, 2))
                    for positions_B in torch.split(torch.arange(len(images)), self._at_once(images))
                ]
            )
            without = int(logits_NK.softmax(dim=1).isnan().any(dim=1).sum())
        if without:
            raise ModelError(
                f"The model gives no probabilities (NaN) for {without:,} of {len(images):,} images: its weights are "
                "damaged, or too large for these images. Export it again, or look at how it was trained."
            )
        return logits_NK

    def _at_once(self, images: SplitImages) -> int:
        most = max(1, BATCH_BYTES // max(1, image_bytes(self.card)))
        return min(at_once(images, self.classifier), most)

    def _prediction(self, row_K: npt.NDArray[np.float32]) -> Prediction:
        best = int(row_K.argmax())
        probabilities = {name: float(value) for name, value in zip(self.classes, row_K, strict=True)}
        return Prediction(self.classes[best], float(row_K[best]), probabilities)


def image_bytes(card: ModelCard) -> int:
    """Memory that a forward pass takes for one image, in bytes; 0 for networks of the user's own, which nobody knows.

    Measured: three times the largest feature map (1.6 GB for 2048 × 2048 pixels and 32 channels, torch 2.15, a CPU).
    """
    if card.provenance.builder is not None:
        return 0
    works = (work_of(member.recipe, card.image_shape, len(card.classes)) for member in card.members)
    return 3 * FLOAT_BYTES * max(layer.values for work in works for layer in work.layers)


def _classifier(networks: Sequence[nn.Module], card: ModelCard, *, tta: bool) -> Classifier:
    members = [
        NormalizedNetwork(network, member.normalization) for network, member in zip(networks, card.members, strict=True)
    ]
    temperature = card.tta_temperature if tta else card.temperature
    return Classifier(members, [member.share for member in card.members], temperature=temperature, tta=tta)
