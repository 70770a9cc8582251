"""One training step: a network with its loss and its optimizer."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from automl.data.batches.batching import Batch
from automl.recipe import Recipe
from automl.training.device import Precision, compute_in
from automl.training.objective import Objective
from automl.training.optimization import WeightAverage, build_optimizer, set_learning_rate


class StepFigures(NamedTuple):
    """Figures of a training step, still on the device."""

    loss: Tensor
    """Mean loss of the batch, a scalar."""
    gradient_norm: Tensor
    """L2 norm over all parameters, a scalar. Infinite in float16 where the step was skipped."""
    correct: Tensor
    """Number of images classified correctly before the weights changed, a scalar."""


class Learner:
    """A network with its loss, its optimizer and, where the recipe averages weights, the average."""

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        class_counts_K: npt.NDArray[np.int64],
        device: torch.device,
        precision: Precision,
        accumulation_steps: int = 1,
    ) -> None:
        """`accumulation_steps`: number of equal micro-batches, one after another. Each needs that much less memory.

        Their gradients add up to those of the batch. Batch norm alone differs: its statistics are of one micro-batch.
        """
        self.device, self.precision, self.accumulation_steps = device, precision, accumulation_steps
        self.model = model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.average = WeightAverage(self.model, recipe.ema) if recipe.ema else None
        self.objective = Objective(recipe, class_counts_K, device)
        self.optimizer = build_optimizer(recipe, self.trained)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")

    @property
    def eval_model(self) -> nn.Module:
        """The network that is evaluated: the average of the weights, or without one the trained network."""
        return self.average.model if self.average else self.model

    def step(self, batch: Batch, *, learning_rate: float, step: int) -> StepFigures:
        """Change the weights once; the host does not wait for the device."""
        add = self._add_gradients if self.accumulation_steps == 1 else self._accumulate_gradients
        loss, logits_BK = add(batch)
        self.scaler.unscale_(self.optimizer)
        norm = self._gradient_norm()
        set_learning_rate(self.optimizer, learning_rate)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        if self.average:
            self.average.update(step)
        correct = (logits_BK.argmax(dim=1) == batch.labels_B).sum()
        return StepFigures(loss, norm, correct)

    def _add_gradients(self, batch: Batch, share: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Add the gradients of the mean loss, or of this share of it; that loss and the logits, detached."""
        with compute_in(self.precision, self.device):
            logits_BK = self.model(batch.images_BCHW)
        loss = self.objective(logits_BK, batch.targets)
        if share is not None:
            loss = loss * share
        torch.autograd.backward(self.scaler.scale(loss))
        return loss.detach(), logits_BK.detach()

    def _accumulate_gradients(self, batch: Batch) -> tuple[Tensor, Tensor]:
        micro_batches = batch.parts(self.accumulation_steps)
        total = self.objective.weight_of(batch.targets)
        done = [self._add_gradients(part, self.objective.weight_of(part.targets) / total) for part in micro_batches]
        losses, logits = zip(*done, strict=True)
        return torch.stack(losses).sum(), torch.cat(logits)

    def state(self) -> dict[str, object]:
        """Snapshot on the host of all that the next step depends on."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        return {name: on_host(value) for name, value in state.items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot of a learner built from the same recipe."""
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # it keeps the tensors that it is given
        if state["scaler"]:  # empty where it was saved without float16, which needs one
            self.scaler.load_state_dict(state["scaler"])

    def _gradient_norm(self) -> Tensor:
        return nn.utils.get_total_norm([p.grad for p in self.trained if p.grad is not None])


def on_host(value: Any) -> Any:
    """Copy nested dicts and lists with every tensor cloned to the CPU, so that training on does not change them."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: on_host(item) for key, item in value.items()}
    if isinstance(value, list):
        return [on_host(item) for item in value]
    return value
