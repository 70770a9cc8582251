"""From a recipe to a network: the convolutional family, or a builder of the user's own, `package.module:build`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import torch
from torch import nn

from automl.errors import ModelError
from automl.models.family import Network
from automl.models.geometry import ImageShape, input_shape
from automl.models.resizing import ResizedNetwork
from automl.own_modules import hidden_file, import_own
from automl.recipe import Recipe

Builder: TypeAlias = Callable[[Recipe, ImageShape, int], nn.Module]
"""build(recipe, image_shape, num_classes): a network from B × C × H × W normalized images to B × num_classes logits.

Where the recipe has a `resolution`, the network resizes the images itself."""


def build_model(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
    """Network of the family, initialized from torch's global random state.

    Raises: ModelError where the recipe halves the images more often than they allow.
    """
    return resizing(Network)(recipe, image_shape, num_classes)


def resizing(build: Builder) -> Builder:
    """Let a function build networks for the input that the recipe asks for, and put the resizing in front of them.

    Without a `resolution`, or where the images have it, the network stays as it is built.
    """

    def build_resizing(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> nn.Module:
        after = input_shape(recipe, image_shape)
        network = build(recipe, after, num_classes)
        if after == image_shape or not isinstance(network, nn.Module):  # what is no module is refused by check_model
            return network
        return ResizedNetwork(network, image_shape, after)

    return build_resizing


def resolve_builder(name: str | None) -> Builder:
    """Return the function that `--model package.module:build` names, or that of automl's family for None.

    The current folder is importable. The function builds for the network's input; what it builds is resized in front.

    Raises: ModelError if the name has another form, cannot be imported, or is not callable.
    """
    if name is None:
        return build_model
    module_name, colon, attribute = name.partition(":")
    if not (colon and module_name and attribute):
        raise ModelError(f"{name!r} does not name a network. Write package.module:function, as in my_networks:build.")
    module = _imported(name, module_name)
    builder: object = getattr(module, attribute, None)
    if not callable(builder):
        raise ModelError(
            f"{name!r} names no function: {module_name} has "
            + (f"{attribute}, which cannot be called." if hasattr(module, attribute) else f"no {attribute}.")
            + hidden_file(module)
            + " Define there: def build(recipe, image_shape, num_classes) -> torch.nn.Module"
        )
    return resizing(builder)


def check_model(model: object, image_shape: ImageShape, num_classes: int) -> None:
    """Pass two black images through a network and look at what comes out; a trial fails here, not in mid-epoch.

    Raises: ModelError if it is no module, cannot take the images, or gives other than 2 × num_classes.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"The builder returned {type(model).__name__}. It has to return a torch.nn.Module.")
    was_training = model.training
    images = torch.zeros(2, *image_shape)
    try:
        with torch.inference_mode():
            logits: object = model.eval()(images)
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelError(f"The network cannot take images of shape {tuple(images.shape)}: {error}") from error
    finally:
        model.train(was_training)
    got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if got != (2, num_classes):
        raise ModelError(f"For 2 images the network gives {got}. It has to give logits of shape {(2, num_classes)}.")


def count_parameters(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _imported(name: str, module_name: str) -> ModuleType:
    try:
        return import_own(module_name)
    except (Exception, SystemExit) as error:  # a user's module may fail in any way while it is imported
        raise ModelError(
            f"Cannot import {module_name} for {name!r}: {type(error).__name__}: {error}. "
            f"It has to be importable from {Path.cwd()} or installed."
        ) from error
