"""One training run, epoch by epoch. The loop knows nothing of searches: its caller decides whether to continue.

An epoch, in the order of this file: `_epoch` trains on every image once (`_train`), evaluates the network on the
validation split, keeps the weights if they are the best so far, and returns an EpochResult. Within a training pass the
host never waits for the device: losses and counts stay there until the pass ends.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from automl.data.batches.augmentation import Augmentation
from automl.data.batches.batching import SplitImages, TrainingBatches, open_evaluated_images, open_images
from automl.data.batches.normalization import measure_normalization
from automl.data.dataset import DataSet, Split
from automl.errors import DivergedError, TrainingError, TrainingInterrupted
from automl.metrics import EpochResult, Metric
from automl.models.building import Builder, build_model, check_model, count_parameters
from automl.models.geometry import input_shape
from automl.recipe import Recipe
from automl.training.allocation import keep_freed_memory
from automl.training.device import DTYPES, Precision, choose_precision
from automl.training.evaluation.forward import predict_logits
from automl.training.evaluation.predictions import MirroredImages, Predictions
from automl.training.evaluation.scoring import Evaluation, evaluate_logits
from automl.training.learner import Learner, StepFigures, on_host
from automl.training.optimization import Plateau, schedule_factor
from automl.training.randomness import global_seed, host_generator, stream_seed

FORMAT = 1
"""Version of a run's state. It grows when the content of the state changes."""


class Training:
    """A recipe on a data set, on one device.

    The same recipe on the same device gives the same figures: bit for bit on a CPU with as many threads.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: DataSet,
        *,
        metric: Metric,
        device: torch.device,
        precision: Precision | None = None,
        build: Builder = build_model,
        accumulation_steps: int = 1,
        interrupted: Callable[[], bool] = lambda: False,
        on_batch: Callable[[], None] = lambda: None,
    ) -> None:
        """`interrupted` is called at every step, so it has to be cheap. `accumulation_steps`: as in Learner.

        `on_batch` is called after each batch, of training and of evaluation.

        Raises: ModelError if the network cannot be built for these images.
        """
        if device.type == "cpu":
            keep_freed_memory()
        train, num_classes = data.splits["train"], len(data.class_names)
        self.recipe, self.metric, self.device, self.interrupted = recipe, metric, device, interrupted
        self.on_batch = on_batch
        self.fingerprint = data.fingerprint
        seen_shape = input_shape(recipe, data.image_shape)
        self.precision: Precision = precision or choose_precision(device, seen_shape)
        self._size = seen_shape[1:]
        self.normalization = measure_normalization(train)
        self.batches = TrainingBatches(
            open_images(train, device, size=self._size),
            train.labels_N,
            Augmentation(recipe, self.normalization),
            num_classes=num_classes,
            dtype=DTYPES[self.precision],
        )
        self.validation_images = open_evaluated_images(data.splits["validation"], device, size=self._size)
        self.validation_labels_N = data.splits["validation"].labels_N
        model = _initialized(build, recipe, data)
        self.parameters = count_parameters(model)
        self.learner = Learner(
            model,
            recipe,
            class_counts_K=data.class_counts("train"),
            device=device,
            precision=self.precision,
            accumulation_steps=accumulation_steps,
        )
        self._most_predicted = (
            None if accumulation_steps == 1 else math.ceil(self.batches.sizes[0] / accumulation_steps)
        )
        self.plateau = Plateau()
        self.next_epoch = 0
        self.best_epoch = -1
        self.best_value = -math.inf if metric.maximize else math.inf
        self.best_confusion_KK: npt.NDArray[np.int64] | None = None
        self.best_logits_NK: Tensor | None = None
        self.best_weights: dict[str, Tensor] = on_host(self.learner.eval_model.state_dict())

    def plan_epochs(self, epochs: int) -> None:
        """Let the schedule end after so many epochs instead of the recipe's; the recipe is another one from then on."""
        self.recipe = dataclasses.replace(self.recipe, epochs=epochs)

    def epochs(self) -> Iterator[EpochResult]:
        """Train the remaining epochs, one at a time. The caller may stop at any time.

        Raises: DivergedError if a loss is NaN or infinite. TrainingInterrupted in mid-epoch if `interrupted` says so.
        """
        while self.next_epoch < self.recipe.epochs:
            yield self._epoch(self.next_epoch)

    def _epoch(self, epoch: int) -> EpochResult:
        started = time.perf_counter()
        trained = self._train(epoch)
        trained_seconds = time.perf_counter() - started
        logits_NK = self._logits(self.learner.eval_model, self.validation_images)
        validated = self._validate(logits_NK, epoch)
        result = EpochResult(
            epoch=epoch,
            train_loss=trained.loss,
            train_accuracy=trained.accuracy,
            validation_loss=validated.loss,
            validation_accuracy=validated.accuracy,
            validation_macro_f1=validated.macro_f1,
            validation_balanced_accuracy=validated.balanced_accuracy,
            gradient_norm=trained.gradient_norm,
            learning_rate=self._learning_rate(epoch, len(self.batches) - 1),
            images_per_second=len(self.batches.images) / trained_seconds,
            seconds=time.perf_counter() - started,
        )
        self._finish(result, validated, logits_NK)
        return result

    def _train(self, epoch: int) -> _Trained:
        """Train on every image once."""
        generator = host_generator("batches", seed=self.recipe.seed, epoch=epoch)
        steps: list[StepFigures] = []
        self.learner.model.train()
        with global_seed(stream_seed("network", seed=self.recipe.seed, epoch=epoch), self.device):
            for position, batch in enumerate(self.batches.epoch(generator=generator)):
                if self.interrupted():
                    raise TrainingInterrupted(f"Interrupted in epoch {epoch}; the epochs before it are complete.")
                rate, step = self._learning_rate(epoch, position), epoch * len(self.batches) + position
                steps.append(self.learner.step(batch, learning_rate=rate, step=step))
                self.on_batch()
            trained = _Trained.of(steps, self.batches.sizes)
        self._check_finite("training", trained.loss, epoch)
        return trained

    def _validate(self, logits_NK: Tensor, epoch: int) -> Evaluation:
        """Evaluate the logits of the validation split."""
        validated = evaluate_logits(logits_NK, self.validation_labels_N)
        self._check_finite("validation", validated.loss, epoch)
        return validated

    def _finish(self, result: EpochResult, validated: Evaluation, logits_NK: Tensor) -> None:
        """Keep the weights if they are the best, and prepare the next epoch."""
        value = self.metric.of(result)
        if self.metric.better(value, self.best_value):
            self.best_epoch, self.best_value = result.epoch, value
            self.best_confusion_KK, self.best_logits_NK = validated.confusion_KK, on_host(logits_NK)
            self.best_weights = on_host(self.learner.eval_model.state_dict())
        if self.recipe.schedule == "plateau":
            self.plateau.update(result.validation_loss)
        self.next_epoch = result.epoch + 1

    def _learning_rate(self, epoch: int, position: int) -> float:
        """Learning rate of one step of an epoch. Both count from 0."""
        steps = len(self.batches)
        factor = schedule_factor(self.recipe.schedule, epoch * steps + position, steps=self.recipe.epochs * steps)
        return self.recipe.learning_rate * factor * self.plateau.factor

    def _logits(self, model: nn.Module, images: SplitImages) -> Tensor:
        return predict_logits(
            model,
            images,
            normalization=self.normalization,
            precision=self.precision,
            most=self._most_predicted,
            on_batch=self.on_batch,
        )

    def _check_finite(self, split: str, loss: float, epoch: int) -> None:
        if math.isfinite(loss):
            return
        other_precision = "" if self.precision == "float32" else f", or float32 instead of {self.precision}"
        raise DivergedError(
            f"The {split} loss became {loss} in epoch {epoch}. "
            f"Try a learning_rate below {self.recipe.learning_rate:g}{other_precision}."
        )

    def evaluate(self, split: Split) -> Evaluation:
        """Evaluate the best epoch's weights on another split of the same data set."""
        logits_NK = self._logits(self._best_model(), open_evaluated_images(split, self.device, size=self._size))
        return evaluate_logits(logits_NK, split.labels_N)

    def predictions(self) -> Predictions:
        """Predictions of the best epoch's weights for the validation split, as it is and mirrored."""
        model, images = self._best_model(), self.validation_images
        logits_NK = self.best_logits_NK  # None before the first epoch is over
        if logits_NK is None:
            logits_NK = self._logits(model, images)
        return Predictions.of(self.validation_labels_N, logits_NK, self._logits(model, MirroredImages(images)))

    def _best_model(self) -> nn.Module:
        model = copy.deepcopy(self.learner.eval_model)
        model.load_state_dict(self.best_weights)
        return model

    def state(self) -> dict[str, object]:
        """Snapshot, on the host, of all that is needed to continue bit for bit after the last complete epoch."""
        return {
            **self._identity(),
            "next_epoch": self.next_epoch,
            "learner": self.learner.state(),
            "plateau": self.plateau.state(),
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
            "best_confusion": None if self.best_confusion_KK is None else torch.from_numpy(self.best_confusion_KK),
            "best_logits": self.best_logits_NK,
            "best_weights": dict(self.best_weights),
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from a snapshot.

        Raises: TrainingError if it is of another recipe, data set, metric or format.
        """
        different = [name for name, value in self._identity().items() if state.get(name) != value]
        if different:
            raise TrainingError(
                f"This state is of another {' and '.join(different)}: it cannot go on here. Start the run anew."
            )
        self.learner.load_state(state["learner"])
        self.plateau = Plateau(**state["plateau"])
        self.next_epoch = state["next_epoch"]
        self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]
        self.best_confusion_KK = None if state["best_confusion"] is None else state["best_confusion"].numpy()
        self.best_logits_NK, self.best_weights = state["best_logits"], dict(state["best_weights"])

    def _identity(self) -> dict[str, object]:
        return {
            "recipe": self.recipe.as_dict(),
            "fingerprint": self.fingerprint,
            "metric": self.metric.name,
            "format": FORMAT,
        }


@dataclass(frozen=True)
class _Trained:
    """Figures of one training pass over the training split."""

    loss: float
    accuracy: float
    gradient_norm: float

    @classmethod
    def of(cls, steps: list[StepFigures], sizes: list[int]) -> _Trained:
        """Sum up a pass; here, and only here, the host waits for the device."""
        losses, norms, correct = (torch.stack(column).cpu().tolist() for column in zip(*steps, strict=True))
        finite_norms = [norm for norm in norms if math.isfinite(norm)]
        return cls(
            loss=sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes),
            accuracy=sum(correct) / sum(sizes),
            gradient_norm=sum(finite_norms) / max(len(finite_norms), 1),
        )


def _initialized(build: Builder, recipe: Recipe, data: DataSet) -> nn.Module:
    """Build the network on the host, so that its first weights are the same for every device."""
    host, num_classes = torch.device("cpu"), len(data.class_names)
    with global_seed(stream_seed("initialization", seed=recipe.seed), host):
        model = build(recipe, data.image_shape, num_classes)
    check_model(model, data.image_shape, num_classes)
    return model
