"""The space `auto` for loaded images on this machine: it is measured for some seconds, in a process of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NamedTuple

from automl.data.dataset import DataSet
from automl.models.rates import Rates
from automl.recipe import Recipe
from automl.spaces.auto.auto_space import AutoSpace, auto_space
from automl.spaces.auto.image_facts import ImageFacts
from automl.training.cost.separate_process import measure_rates_apart


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

    def seconds_an_epoch(recipe: Recipe) -> float:
        assert rates is not None
        return forecast_epoch(rates, recipe, data)

    forecast = None if rates is None else seconds_an_epoch
    auto = auto_space(
        facts, seconds_an_epoch=forecast, worker_seconds=worker_seconds, epochs=epochs, own_network=own_network
    )
    return BuiltSpace(auto, rates)


def measure_machine(data: DataSet, machine: Machine) -> Rates:
    """Measure the workers' device with the threads that each of them has.

    Raises: TrainingError for a device that is not there.
    """
    return measure_rates_apart(device=machine.device, threads=machine.threads, image_shape=data.image_shape)


def forecast_epoch(rates: Rates, recipe: Recipe, data: DataSet) -> float:
    """Forecast of an epoch on the splits of a data set, in seconds.

    Raises: ModelError where the recipe does not fit the images.
    """
    train, validation = (len(data.splits[name]) for name in ("train", "validation"))
    return rates.seconds_an_epoch(recipe, data.image_shape, len(data.class_names), train=train, validation=validation)


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
