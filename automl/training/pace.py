"""Cost of training on this machine, measured from real steps: seconds an epoch, and memory."""

from __future__ import annotations

import dataclasses
import math
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psutil
import torch

from automl.data.dataset import DataSet, Split
from automl.metrics import METRICS
from automl.models.building import Builder, build_model
from automl.recipe import Recipe
from automl.training.loop import Training

ENOUGH_SECONDS = 1.0
"""Shortest accepted measurement, in seconds. A shorter one is repeated on more images, unless it had all."""
MOST_GROWTH = 16
LOOK_SECONDS = 0.01
HARMLESS_RATE = 1e-6
"""Learning rate of measured steps: their cost does not depend on it, and they never diverge."""


@dataclass(frozen=True)
class Pace:
    """The cost of a recipe."""

    seconds_an_epoch: float
    """Duration of an epoch in seconds, with validation. Storing the epoch's metrics is not included."""
    memory_bytes: int
    """Peak memory of the process in bytes: RAM, or on a GPU what torch reserved there."""


def measure_pace(recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder = build_model) -> Pace:
    """Train for a second or so, on parts of the data that grow from one batch.

    Raises: ModelError if the network cannot be built for these images. torch.OutOfMemoryError where a GPU is too small.
    """
    recipe = dataclasses.replace(recipe, epochs=1, learning_rate=HARMLESS_RATE)
    total = len(data.splits["train"])
    images = min(recipe.batch_size, total)
    with PeakMemory(device) as memory:
        _timed(recipe, _part(data, images), device, build)  # the first step of a process loads parts of torch
        while (seconds := _timed(recipe, _part(data, images), device, build)) < ENOUGH_SECONDS and images < total:
            images = min(images * math.ceil(min(max(ENOUGH_SECONDS / seconds, 2), MOST_GROWTH)), total)
        return Pace(seconds * total / images, memory.most())


def measure_memory(recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder = build_model) -> int:
    """Peak memory of the process in bytes while it takes one step, as `Pace.memory_bytes`.

    Raises: as `measure_pace` does.
    """
    recipe = dataclasses.replace(recipe, epochs=1, learning_rate=HARMLESS_RATE)
    with PeakMemory(device) as memory:
        _timed(recipe, _part(data, min(recipe.batch_size, len(data.splits["train"]))), device, build)
        return memory.most()


def _timed(recipe: Recipe, data: DataSet, device: torch.device, build: Builder) -> float:
    """Seconds of one epoch."""
    return next(Training(recipe, data, metric=METRICS["loss"], device=device, build=build).epochs()).seconds


class PeakMemory:
    """The most memory that this process holds while the block runs; a context manager."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._process = psutil.Process()
        self._most_bytes = 0
        self._over = threading.Event()
        self._observer = threading.Thread(target=self._observe, name="memory", daemon=True)

    def __enter__(self) -> Self:
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self._device)
        else:
            self._observer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()

    def most(self) -> int:
        """Peak memory so far, in bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_reserved(self._device)
        self._look()
        return self._most_bytes

    def _observe(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        self._most_bytes = max(self._most_bytes, self._process.memory_info().rss)


def _part(data: DataSet, images: int) -> DataSet:
    """The first `images` images of `train`, and the same share of `validation`."""
    share = images / len(data.splits["train"])
    return dataclasses.replace(data, splits={name: _first(split, share) for name, split in data.splits.items()})


def _first(split: Split, share: float) -> Split:
    count = max(1, round(len(split) * share))
    return Split(split.images_MHWC, split.rows_N[:count], split.labels_N[:count])
