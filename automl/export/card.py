"""What an exported model says of itself, and its form in the file: plain values, no code."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from automl.data.dataset import AUTO, ImageShape, Sizing
from automl.data.normalization import Normalization
from automl.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where a model comes from."""

    data: str
    """The reference that the data were loaded by: a name, or a path on the machine of the training."""
    fingerprint: str
    """Of the data set, SHA-256."""
    split_seed: int
    """Of splits that the data did not give."""
    created_at: str
    """ISO 8601."""
    study: str | None = None
    trial: int | None = None
    builder: str | None = None
    """`package.module:build` that makes the network; None: automl's own family."""
    automl_version: str = metadata.version("optuna-automl")
    torch_version: str = str(torch.__version__)


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """All that is in the file beside the weights."""

    recipe: Recipe
    classes: tuple[str, ...]
    """By index of the network's outputs."""
    image_shape: ImageShape
    sizing: Sizing = AUTO
    """How images of other shapes are brought to this one, and what shape the data were asked for in."""
    normalization: Normalization
    metrics: Mapping[str, float]
    """By name, with the split in it: `validation_accuracy`."""
    provenance: Provenance

    def as_document(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        channels, height, width = self.image_shape
        return {
            "recipe": self.recipe.as_dict(),
            "classes": list(self.classes),
            "input": {"channels": channels, "height": height, "width": width, **dataclasses.asdict(self.sizing)},
            "normalization": {"mean": list(self.normalization.mean), "std": list(self.normalization.std)},
            "metrics": dict(self.metrics),
            "provenance": dataclasses.asdict(self.provenance),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ModelCard:
        """Read back what `as_document` wrote.

        Raises: KeyError, TypeError, ValueError, DataError or RecipeError where it is something else.
        """
        form, normalization = dict(document["input"]), document["normalization"]
        channels, height, width = (int(form.pop(name)) for name in ("channels", "height", "width"))
        return cls(
            recipe=Recipe.from_mapping(document["recipe"]),
            classes=tuple(str(name) for name in document["classes"]),
            image_shape=(channels, height, width),
            sizing=Sizing(**form),
            normalization=Normalization(
                tuple(map(float, normalization["mean"])), tuple(map(float, normalization["std"]))
            ),
            metrics={str(name): float(value) for name, value in document["metrics"].items()},
            provenance=Provenance(**document["provenance"]),
        )
