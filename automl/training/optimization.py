"""The optimizer, the learning rate by step, and the moving average of the weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from automl.recipe import Recipe

_PLATEAU_EPOCHS = 3
_PLATEAU_FACTOR = 0.5
_RISING_SHARE = 0.3
_FIRST_FACTOR = 0.04
"""Smith and Topin 2018, one cycle, with torch's OneCycleLR's defaults: a 25th at first, 30 % of the steps rising."""


def build_optimizer(recipe: Recipe, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
    """Fused optimizer of the recipe; only matrices and kernels decay, biases and normalizations are spared."""
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    rate = recipe.learning_rate
    if recipe.optimizer == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    return kind(groups, lr=rate, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step use this rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def schedule_factor(schedule: str, step: int, *, steps: int) -> float:
    """Learning rate at a 0-based step, of `steps` in the whole run, as a share of the peak; `plateau` is 1 here."""
    if schedule in ("constant", "plateau"):
        return 1.0
    if schedule == "cosine":
        return _falling(step / steps)
    rising = max(round(_RISING_SHARE * steps), 1)
    if step < rising:
        return _FIRST_FACTOR + (1 - _FIRST_FACTOR) * _falling(1 - step / rising)
    return _falling((step - rising) / max(steps - rising, 1))


def _falling(progress: float) -> float:
    """Half a cosine, from 1 at 0 to 0 at 1."""
    return (1 + math.cos(math.pi * progress)) / 2


@dataclass
class Plateau:
    """Halves the learning rate after three epochs without a better validation loss."""

    factor: float = 1.0
    lowest_loss: float = math.inf
    epochs_without: int = 0

    def update(self, validation_loss: float) -> None:
        """Take an epoch's loss into account."""
        if validation_loss < self.lowest_loss:
            self.lowest_loss, self.epochs_without = validation_loss, 0
            return
        self.epochs_without += 1
        if self.epochs_without >= _PLATEAU_EPOCHS:
            self.factor, self.epochs_without = self.factor * _PLATEAU_FACTOR, 0

    def state(self) -> dict[str, float]:
        """Plain numbers: `Plateau(**state)` continues."""
        return asdict(self)


class WeightAverage:
    """A second network whose weights, and normalization statistics, follow the first one's slowly.

    The decay grows with the steps up to its full value, so that a short run does not end with an average of its start.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(requires_grad=False)
        self.decay = decay
        averaged, current = list(_tensors(self.model)), list(_tensors(model))
        self._averaged = [tensor for tensor in averaged if tensor.is_floating_point()]
        self._current = [tensor for tensor in current if tensor.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the weights as they are after this 0-based step, in one fused operation."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, self._current, 1 - decay)


def _tensors(model: nn.Module) -> Iterable[Tensor]:
    yield from (parameter.data for parameter in model.parameters())
    yield from model.buffers()
