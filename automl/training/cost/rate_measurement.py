"""How fast this device trains, measured in a few seconds: reference networks take some real steps.

Batches, augmentation, optimizer and evaluation are those of every training, so a forecast includes them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.optimize import nnls

from automl.data.dataset import DataSet, Split
from automl.metrics import METRICS
from automl.models.geometry import ImageShape
from automl.models.rates import SMALL_IMAGE_PIXELS, Rates, UnitSeconds, evaluation_units, training_units
from automl.models.work import work_of
from automl.training.cost.reference_networks import IMAGES, SMALL_IMAGES, Reference
from automl.training.device import choose_device, choose_precision, describe
from automl.training.evaluation.forward import predict_logits
from automl.training.loop import Training
from automl.training.pace import HARMLESS_RATE

CLASSES = 10
STEPS = 1
"""Number of training steps in a measurement."""
ENOUGH_SECONDS, MOST_REPEATS = 0.05, 4
"""A measurement is repeated until all its repeats took so long, or there were so many; the shortest one counts."""
EVALUATED_BATCHES = 3
"""Size of the evaluated split, in batches of the training."""


def measure_rates(*, device: torch.device, image_shape: ImageShape) -> Rates:
    """Measure a device with as many threads as torch has, in a few seconds.

    Images under 16 × 16 pixels are measured too where `image_shape` is so small; else the rates of larger ones stand
    for both.
    """
    clock = _Clock(device)
    images = _unit_seconds(IMAGES, clock)
    is_small = image_shape[1] * image_shape[2] < SMALL_IMAGE_PIXELS
    small_images = _unit_seconds(SMALL_IMAGES, clock) if is_small else images
    return Rates(
        device=describe(device, choose_precision(device, image_shape)),
        images=images,
        small_images=small_images,
        factor=clock.wall_share(),
    )


class _Clock:
    """Times work on a device; on one CPU thread in its processor time, which other processes hardly change."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        alone = device.type == "cpu" and torch.get_num_threads() == 1
        self._now = time.process_time if alone else time.perf_counter
        self._on_clock = self._on_wall = 0.0

    def seconds(self, work: Callable[[], None]) -> float:
        """Shortest time of the work, in seconds; once before that it runs without being timed."""
        work()
        measured = [self._timed(work)]
        while sum(measured) < ENOUGH_SECONDS and len(measured) < MOST_REPEATS:
            measured.append(self._timed(work))
        return min(measured)

    def wall_share(self) -> float:
        """Seconds on the wall for each second on this clock, in all that was timed."""
        return max(self._on_wall / self._on_clock, 1.0)

    def _timed(self, work: Callable[[], None]) -> float:
        started, started_on_wall = self._now(), time.perf_counter()
        work()
        seconds = self._now() - started
        self._on_clock, self._on_wall = self._on_clock + seconds, self._on_wall + time.perf_counter() - started_on_wall
        return seconds


def _unit_seconds(references: Sequence[Reference], clock: _Clock) -> UnitSeconds:
    """Measure the networks and fit seconds of at least 0 to their units of work, by the least relative error."""
    rows = [_measured(reference, clock) for reference in references]
    training, trained_seconds, evaluation, evaluated_seconds = zip(*rows, strict=True)
    return UnitSeconds(fit_seconds(training, trained_seconds), fit_seconds(evaluation, evaluated_seconds))


def _measured(reference: Reference, clock: _Clock) -> tuple[tuple[float, ...], float, tuple[float, ...], float]:
    """Units of work and seconds of a training pass, and of an evaluation."""
    recipe, shape = reference.recipe, (reference.channels, reference.side, reference.side)
    data = random_images(
        shape, classes=CLASSES, train=STEPS * recipe.batch_size, validation=EVALUATED_BATCHES * recipe.batch_size
    )
    training = Training(recipe, data, metric=METRICS["loss"], device=clock.device)
    work = work_of(recipe, shape, CLASSES)
    return (
        training_units(recipe, work, images=len(data.splits["train"])),
        clock.seconds(lambda: _train(training)),
        evaluation_units(work, images=len(data.splits["validation"])),
        clock.seconds(lambda: _evaluate(training)),
    )


def _train(training: Training) -> None:
    """One pass, until the device has finished it."""
    training.learner.model.train()
    batches = training.batches.epoch(generator=torch.Generator())
    steps = [training.learner.step(batch, learning_rate=HARMLESS_RATE, step=n) for n, batch in enumerate(batches)]
    torch.stack([step.loss for step in steps]).cpu()


def _evaluate(training: Training) -> None:
    images, normalization, precision = training.validation_images, training.normalization, training.precision
    predict_logits(training.learner.model, images, normalization=normalization, precision=precision).cpu()


def random_images(shape: ImageShape, *, classes: int, train: int, validation: int) -> DataSet:
    """Make up images of random pixels, whose training costs what that of real ones does."""
    channels, height, width = shape
    random, count = np.random.default_rng(0), train + validation
    images_NHWC = random.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    labels_N, rows_N = random.integers(0, classes, count), np.arange(count)
    return DataSet(
        name="random",
        reference="random",
        fingerprint="",
        class_names=tuple(map(str, range(classes))),
        image_shape=shape,
        splits={
            "train": Split(images_NHWC, rows_N[:train], labels_N[:train]),
            "validation": Split(images_NHWC, rows_N[train:], labels_N[train:]),
        },
        left_out=(),
        notes=(),
    )


def fit_seconds(units: Sequence[tuple[float, ...]], seconds: Sequence[float]) -> tuple[float, ...]:
    """Seconds by unit, none below 0, whose sums are nearest to the measured ones by their ratio."""
    shares = np.array(units, dtype=float) / np.array(seconds)[:, None]
    scale = shares.max(axis=0)
    scale[scale == 0] = 1
    found, _ = nnls(shares / scale, np.ones(len(seconds)))
    return tuple(float(value) for value in found / scale)


def main() -> None:
    """Measure what the JSON document in the first argument names, and print the rates as JSON."""
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    rates = measure_rates(device=choose_device(asked["device"]), image_shape=tuple(asked["image_shape"]))
    sys.stdout.write(json.dumps(rates.as_dict()) + "\n")
