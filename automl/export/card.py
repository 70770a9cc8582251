"""What an exported model says of itself, and its form in the file: plain values, no code."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from automl.data.batches.normalization import Normalization
from automl.data.pixel_range import SIXTEEN_BITS, PixelRange
from automl.data.sizing import AUTO, LARGEST_SIDE, ImageShape, Sizing
from automl.metrics import CalibratedFigures
from automl.recipe import Recipe

VALIDATION_METRICS = ("accuracy", "macro_f1", "balanced_accuracy", "loss")


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
    builder: str | None = None
    """`package.module:build` that makes the network; None: automl's own family."""
    automl_version: str = metadata.version("optuna-automl")
    torch_version: str = str(torch.__version__)


@dataclass(frozen=True, kw_only=True)
class MemberCard:
    """One network of a model."""

    recipe: Recipe
    normalization: Normalization
    share: float = 1.0
    """Weight in the ensemble; those of all members add up to 1."""
    trial: int | None = None
    """Its number in its study."""
    study: str | None = None
    """That the trial belongs to: of an ensemble, the search or its confirmation."""

    def as_document(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        return {
            "recipe": self.recipe.as_dict(),
            "normalization": {"mean": list(self.normalization.mean), "std": list(self.normalization.std)},
            "share": self.share,
            "trial": self.trial,
            "study": self.study,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> MemberCard:
        """Read back what `as_document` wrote; raises as `ModelCard.from_document`."""
        recipe = Recipe.from_mapping(document["recipe"])
        normalization, trial = document["normalization"], document["trial"]
        return cls(
            recipe=recipe,
            normalization=Normalization(
                tuple(map(_finite, normalization["mean"])), tuple(map(_positive, normalization["std"]))
            ),
            share=_positive(document["share"]),
            trial=None if trial is None else int(trial),
            study=document.get("study"),
        )


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """All that is in the file beside the weights."""

    members: tuple[MemberCard, ...]
    """The networks of the ensemble, the best one first; usually one."""
    temperature: float = 1.0
    """Divides the logits, so that what is said with probability 0.8 is right in 8 of 10 cases; 1: as trained."""
    tta_temperature: float = 1.0
    """The same where each image is averaged with its mirror image."""
    tta: bool = False
    """Whether that is done unless one asks otherwise."""
    classes: tuple[str, ...]
    """By index of the network's outputs."""
    image_shape: ImageShape
    sizing: Sizing = AUTO
    """How images of other shapes are brought to this one, and what shape the data were asked for in."""
    pixel_range: PixelRange | None = None
    """Scale of images of more than 8 bits, by the training images; None where all of these have 8."""
    metrics: Mapping[str, float]
    """By name, with the split in it: `validation_accuracy`."""
    provenance: Provenance

    @property
    def recipe(self) -> Recipe:
        """That the best member was trained by."""
        return self.members[0].recipe

    def as_document(self) -> dict[str, Any]:
        """Plain values, as they stand in the file."""
        channels, height, width = self.image_shape
        return {
            "members": [member.as_document() for member in self.members],
            "temperature": self.temperature,
            "tta_temperature": self.tta_temperature,
            "tta": self.tta,
            "classes": list(self.classes),
            "input": {"channels": channels, "height": height, "width": width, **dataclasses.asdict(self.sizing)},
            "deep_images": self._deep_images(),
            "metrics": dict(self.metrics),
            "provenance": dataclasses.asdict(self.provenance),
        }

    def _deep_images(self) -> dict[str, Any]:
        """How images of more than 8 bits become the uint8 that the network takes: for other programs, always said."""
        scale = self.pixel_range or SIXTEEN_BITS
        return {**dataclasses.asdict(scale), "trained": self.pixel_range is not None, "uint8": scale.rule()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ModelCard:
        """Read back what `as_document` wrote.

        Raises: KeyError, TypeError, ValueError, DataError or RecipeError where it is something else.
        """
        form = dict(document["input"])
        shape = _image_shape(tuple(form.pop(name) for name in ("channels", "height", "width")))
        members = tuple(MemberCard.from_document(member) for member in document["members"])
        if not members:
            raise ValueError("it has no network")
        _check_members(members, channels=shape[0])
        return cls(
            members=members,
            temperature=_positive(document["temperature"]),
            tta_temperature=_positive(document["tta_temperature"]),
            tta=bool(document["tta"]),
            classes=_class_names(document["classes"]),
            image_shape=shape,
            sizing=Sizing(**form),
            pixel_range=_trained_range(document.get("deep_images")),
            metrics={str(name): _finite(value) for name, value in document["metrics"].items()},
            provenance=_provenance(document["provenance"]),
        )


def _image_shape(shape: Sequence[Any]) -> ImageShape:
    channels, height, width = (int(side) for side in shape)
    if channels not in (1, 3) or not all(1 <= side <= LARGEST_SIDE for side in (height, width)):
        raise ValueError(f"images of {channels} × {height} × {width}")
    return channels, height, width


def _check_members(members: Sequence[MemberCard], *, channels: int) -> None:
    if not math.isclose(math.fsum(member.share for member in members), 1, abs_tol=1e-6):
        raise ValueError("the shares of its networks do not add up to 1")
    for member in members:
        mean, std = member.normalization.mean, member.normalization.std
        if not len(mean) == len(std) == channels:
            raise ValueError(f"a normalization of {len(mean)} and {len(std)} values for {channels} channels")


def _class_names(names: Any) -> tuple[str, ...]:
    found = tuple(str(name) for name in names)
    if len(set(found)) != len(found):
        raise ValueError("two of its classes have the same name")
    return found


def _provenance(document: Mapping[str, Any]) -> Provenance:
    found = Provenance(**document)
    for field in dataclasses.fields(found):
        value, kinds = getattr(found, field.name), {"int": int, "str": str, "str | None": str | None}[str(field.type)]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise TypeError(f"{field.name} is {type(value).__name__}")
    if not 0 <= found.split_seed < 2**32:
        raise ValueError(f"split_seed is {found.split_seed}")
    return found


def _trained_range(document: Mapping[str, Any] | None) -> PixelRange | None:
    if document is None or not document["trained"]:
        return None
    return PixelRange(float(document["low"]), float(document["stop"]), bool(document["floats"]))


def _finite(number: Any) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return value


def _positive(number: Any) -> float:
    value = float(number)
    if not (0 < value < math.inf):
        raise ValueError(f"{value:g} is not positive")
    return value


def validation_metrics(figures: CalibratedFigures) -> dict[str, float]:
    """What a card says of the validation split: of the answers that the model gives, with its temperature."""
    values = dataclasses.asdict(figures) | {"loss": figures.calibrated_loss}
    return {f"validation_{name}": values[name] for name in VALIDATION_METRICS}
