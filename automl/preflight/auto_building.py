"""The space `auto` for loaded images on this machine: it is measured for some seconds, in a process of its own."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
from dataclasses import dataclass
from typing import NamedTuple

from automl.data.dataset import DataSet
from automl.models.rates import Rates
from automl.queue.gpus import count_gpus
from automl.recipe import Recipe
from automl.spaces.auto.auto_space import AutoSpace, auto_space
from automl.spaces.auto.image_facts import ImageFacts
from automl.training.cost.separate_process import measure_rates_apart

MOST_BUSY = 2.0
"""Other work makes trainings no more than so many times as long for the space, which stays when that work ends.

Workers measure what they find (`automl/queue`), and shorten what does not fit."""


@dataclass(frozen=True)
class Machine:
    """What a search runs on."""

    device: str
    """Name of the workers' device, or auto."""
    workers: int
    """Number of processes."""

    @property
    def threads(self) -> int:
        """CPU threads of each worker, as `automl search` starts them."""
        return max(1, (os.cpu_count() or 1) // self.workers)

    @property
    def workers_on_one_gpu(self) -> int:
        """How many of them share a GPU, and take so much longer; 1 on CPUs."""
        gpus = 0 if self.device in ("cpu", "mps") else count_gpus()
        return math.ceil(self.workers / gpus) if gpus else 1


class BuiltSpace(NamedTuple):
    """The space, and the rates it was built from."""

    auto: AutoSpace
    rates: Rates | None
    """None for a network of the user's own, whose cost no model knows."""


def build_auto_space(
    data: DataSet, machine: Machine, *, worker_seconds: float | None, epochs: int | None, own_network: bool
) -> BuiltSpace:
    """Measure the machine and build the space; the arguments are those of `auto_space`.

    Raises: TrainingError for a device that is not there. SpaceError if nothing fits the images.
    """
    facts = image_facts(data)
    rates = None if own_network else measure_machine(data, machine)

    if rates is not None:
        calm = dataclasses.replace(rates, factor=min(rates.factor, MOST_BUSY * machine.workers_on_one_gpu))
        forecast = functools.partial(_forecast_epoch, calm, data)
    else:
        forecast = None
    auto = auto_space(
        facts, seconds_an_epoch=forecast, worker_seconds=worker_seconds, epochs=epochs, own_network=own_network
    )
    return BuiltSpace(auto, rates)


def _forecast_epoch(rates: Rates, data: DataSet, recipe: Recipe) -> float:
    return forecast_epoch(rates, recipe, data)


def measure_machine(data: DataSet, machine: Machine) -> Rates:
    """Measure the workers' device with the threads that each of them has.

    Raises: TrainingError for a device that is not there.
    """
    rates = measure_rates_apart(device=machine.device, threads=machine.threads, image_shape=data.image_shape)
    return dataclasses.replace(rates, factor=rates.factor * machine.workers_on_one_gpu)


def forecast_epoch(rates: Rates, recipe: Recipe, data: DataSet) -> float:
    """Forecast of an epoch on the splits of a data set, in seconds.

    Raises: ModelError where the recipe does not fit the images.
    """
    train, validation = split_sizes(data)
    return rates.seconds_an_epoch(recipe, data.image_shape, len(data.class_names), train=train, validation=validation)


def split_sizes(data: DataSet) -> tuple[int, int]:
    """Numbers of images to train and to validate with."""
    return len(data.splits["train"]), len(data.splits["validation"])


def image_facts(data: DataSet) -> ImageFacts:
    """What the rules know of the images."""
    counts = data.class_counts("train")
    return ImageFacts(
        image_shape=data.image_shape,
        train=len(data.splits["train"]),
        validation=len(data.splits["validation"]),
        classes=len(data.class_names),
        imbalance=float(counts.max() / max(counts.min(), 1)),
    )
