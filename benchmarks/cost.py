"""Forecast against real seconds an epoch, over recipes of the shipped spaces and images of 8 × 8 to 224 × 224 pixels.

    python -m benchmarks.cost --output

Rates are measured as a search measures them, again before every few recipes, since other processes change the speed of
a machine. Seconds are of the processor, with one thread, so that a busy machine can be measured on; on a GPU of the
wall. Images are random pixels. A recipe counts if an epoch of its few batches takes at most LONGEST_SECONDS here.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import optuna
import torch

from automl.errors import AutomlError
from automl.metrics import METRICS
from automl.models.geometry import ImageShape
from automl.models.rates import Rates
from automl.recipe import Recipe
from automl.spaces.file import load_space
from automl.training.cost.rate_measurement import measure_rates, random_images
from automl.training.device import choose_device, choose_precision
from automl.training.loop import Training
from benchmarks.machine import machine_line

RESULTS = Path(__file__).parent / "results" / "cost.md"
SPACES = ("default", "quick", "fer2013", "fer2013-large", "seed/3-augmented-sweep", "seed/4-residual")
SIDES = (8, 16, 28, 32, 48, 64, 96, 128, 160, 224)
BATCHES, VALIDATION_SHARE = 3, 0.2
LONGEST_SECONDS = 1.5
MEASURED_AGAIN = 12
"""Recipes after which the rates are measured again."""
WITHIN = 0.3


class Timed(NamedTuple):
    """One recipe."""

    space: str
    shape: ImageShape
    forecast: float
    real: float

    @property
    def ratio(self) -> float:
        """Forecast by real seconds."""
        return self.forecast / self.real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=90, help="recipes (90)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (auto)")
    parser.add_argument("--seed", type=int, default=0, help="of the recipes (0)")
    parser.add_argument("--output", action="store_true", help="also write the table into benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    device, load = choose_device(options.device), os.getloadavg()[0]
    found: list[Timed] = []
    for timed in timed_recipes(options.n, device, seed=options.seed):
        found.append(timed)
        print(f"{timed.space} {timed.shape} {timed.forecast:.3f} {timed.real:.3f} {timed.ratio:.2f}", flush=True)
    text = report(found, device, load)
    print(text)
    if options.output:
        RESULTS.write_text(text, encoding="utf-8")


def timed_recipes(count: int, device: torch.device, *, seed: int) -> Iterator[Timed]:
    """Forecast and time so many random recipes."""
    generator, done = random.Random(seed), 0
    rates: dict[bool, Rates] = {}
    while done < count:
        space = generator.choice(SPACES)
        side, channels, classes = generator.choice(SIDES), generator.choice((1, 3)), generator.choice((2, 10, 100))
        shape = (channels, side, side)
        try:
            recipe = sampled(space, shape, generator.randrange(2**31))
        except AutomlError:  # a space that does not fit such images
            continue
        if done % MEASURED_AGAIN == 0:
            rates = {}
        is_small = side < SIDES[1]
        if is_small not in rates:
            measured = measure_rates(device=device, image_shape=shape)
            rates[is_small] = dataclasses.replace(measured, factor=1.0) if device.type == "cpu" else measured
        train = BATCHES * recipe.batch_size
        counts = {"train": train, "validation": max(round(train * VALIDATION_SHARE), 1)}
        forecast = rates[is_small].seconds_an_epoch(recipe, shape, classes, **counts)
        if forecast > LONGEST_SECONDS:
            continue
        done += 1
        yield Timed(space, shape, forecast, real_seconds(recipe, shape, classes, device, **counts))


def sampled(space: str, shape: ImageShape, seed: int) -> Recipe:
    """One random recipe of a space, for images of this shape."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    recipe = load_space(space).fitted_to(shape).suggest(study.ask(), seed=0)
    return dataclasses.replace(recipe, epochs=9, learning_rate=1e-6, schedule="constant")


def real_seconds(
    recipe: Recipe, shape: ImageShape, classes: int, device: torch.device, *, train: int, validation: int
) -> float:
    """The shorter of two epochs after a first one, with their validation."""
    data = random_images(shape, classes=classes, train=train, validation=validation)
    epochs = Training(recipe, data, metric=METRICS["loss"], device=device).epochs()
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    seconds = []
    for _ in range(3):
        started = clock()
        next(epochs)
        seconds.append(clock() - started)
    return min(seconds[1:])


def report(found: Sequence[Timed], device: torch.device, load: float) -> str:
    """The table, by side of the images."""
    rows = [row(f"{side} × {side}", [timed for timed in found if timed.shape[1] == side]) for side in SIDES]
    return "\n".join(
        (
            "# Forecast of an epoch against a real one",
            "",
            f"{len(found)} random recipes of the spaces {', '.join(SPACES)}. Device: {device.type}, one thread, "
            f"{choose_precision(device, (1, 32, 32))}; seconds of the "
            f"{'processor' if device.type == 'cpu' else 'wall'}; epochs of up to {LONGEST_SECONDS:g} s.",
            "",
            "| images | recipes | within 30 % | forecast by real, median | lowest | highest |",
            "| --- | --- | --- | --- | --- | --- |",
            *(line for line in rows if line),
            row("all", found),
            "",
            f"{machine_line(('torch',), n=len(found), load=load, of='recipes')} Made by `python -m benchmarks.cost`.",
            "",
        )
    )


def row(name: str, found: Sequence[Timed]) -> str:
    """One line of the table; empty without recipes."""
    if not found:
        return ""
    ratios = [timed.ratio for timed in found]
    within = sum(abs(ratio - 1) <= WITHIN for ratio in ratios) / len(ratios)
    return (
        f"| {name} | {len(found)} | {within:.0%} | {statistics.median(ratios):.2f} | "
        f"{min(ratios):.2f} | {max(ratios):.2f} |"
    )


if __name__ == "__main__":
    main()
