"""An epoch of the engine against an epoch of a notebook, on FER2013: the same network, batches and augmentation.

    python -m benchmarks.epoch ../shared/data/fer2013/archive.zip --output
    python -m benchmarks.epoch ../shared/data/fer2013/archive.zip --train --output

Three contenders take turns in one process: (a) the notebook's way (benchmarks/notebook.py, with the better of 0 and 2
loader processes), (b) the engine in float32, (c) the engine as it runs by default. On a CPU 6,000 training images, on
a GPU all of them; batches of 128; seconds are of the training pass and of the validation. `--train` instead trains (a)
and (c) once to the end, to see that speed is not bought with a worse model.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from automl.data.dataset import DataSet, Split
from automl.data.loading import load_data_set
from automl.data.split_names import SplitName
from automl.metrics import METRICS
from automl.recipe import Recipe
from automl.training.device import Precision, choose_device, choose_precision
from automl.training.loop import Training
from benchmarks.fer2013_part import write_part
from benchmarks.machine import machine_line, spread
from benchmarks.notebook import NotebookTraining

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "pillow")
FAR_AWAY = 10_000
"""Epochs of a run that is only timed: its schedule never comes to an end."""
TRAIN_IMAGES_EACH = 6
"""On a CPU: so many training images for each one of the validation, in a timed epoch."""
LOADER_IMAGES = 1280
"""Of an epoch that finds out how many loader processes are faster."""
NETWORKS: Mapping[str, Recipe] = {
    "plain": Recipe(
        block="plain",
        depth=3,
        width=32,
        pooling="flatten",
        hidden_dim=128,
        dropout=0.3,
        weight_decay=1e-5,
        flip=0.5,
        rotation_degrees=10,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=128,
        epochs=20,
    ),
    "residual": Recipe(
        block="residual",
        depth=4,
        blocks_per_stage=2,
        width=64,
        stem="pooled7",
        downsample="stride",
        dropout=0.5,
        weight_decay=1e-4,
        label_smoothing=0.1,
        flip=0.5,
        rotation_degrees=10,
        zoom=0.2,
        brightness=0.3,
        contrast=0.3,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=128,
        epochs=20,
    ),
    "small residual": Recipe(
        block="residual",
        depth=3,
        width=16,
        downsample="stride",
        dropout=0.4,
        weight_decay=1e-3,
        label_smoothing=0.1,
        pad_pixels=4,
        flip=0.3,
        rotation_degrees=10,
        optimizer="adam",
        learning_rate=1e-3,
        batch_size=128,
        epochs=20,
    ),
}
"""Three stages of 32, 64 and 128 channels with a hidden layer; a ResNet-18; one convolution and three small blocks."""

Contender = Callable[[], float]
"""One epoch with its validation; returns the validation accuracy."""
Clock = Callable[[], float]
CLOCKS: Mapping[bool, Clock] = {False: time.perf_counter, True: time.process_time}


def main() -> None:
    parser = fer2013_parser(__doc__, what="epochs of each contender", n=5)
    parser.add_argument("--images", type=int, help="of the training split (all that there are)")
    parser.add_argument("--epochs", type=int, help="of a full training (20)")
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=tuple(NETWORKS), metavar="NETWORK")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="of one thread without loader processes: on a machine that is busy",
    )
    parser.add_argument("--train", action="store_true", help="one full training each of the notebook and the engine")
    options = parser.parse_args()
    device, load = choose_device(options.device), os.getloadavg()[0]
    data = read_data(options.data, options.home, device)
    if options.images:
        data = with_first(data, "train", options.images)
    kind = "training" if options.train else "epoch"
    if options.processor_time:
        torch.set_num_threads(1)
    if options.train:
        text = report_of_trainings(options.networks, data, device, load, epochs=options.epochs)
    else:
        text = report_of_epochs(options.networks, data, device, load, n=options.n, clock=CLOCKS[options.processor_time])
    print(text)
    if options.output:
        RESULTS.joinpath(f"{kind}_{device.type}.md").write_text(text, encoding="utf-8")


def fer2013_parser(description: str | None, *, what: str, n: int) -> argparse.ArgumentParser:
    """Options that all benchmarks of the engine have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="FER2013")
    parser.add_argument("-n", type=int, default=n, help=f"{what} ({n})")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (auto)")
    parser.add_argument("--home", type=Path, default=Path(".automl"), help="folder of the decoded images (.automl)")
    parser.add_argument("--output", action="store_true", help="also write the table into benchmarks/results")
    return parser


def read_data(source: str, home: Path, device: torch.device) -> DataSet:
    """All of FER2013 for a GPU, the fixed part of it for a CPU; without the test split."""
    source = source if device.type == "cuda" else str(write_part(source, home))
    return load_data_set(source, home=home, splits=("train", "validation"))


def report_of_epochs(
    networks: Sequence[str], data: DataSet, device: torch.device, load: float, *, n: int, clock: Clock
) -> str:
    """Time every network and make the table."""
    if device.type == "cpu":
        data = with_first(data, "validation", len(data.splits["train"]) // TRAIN_IMAGES_EACH)
    rows = []
    for name in networks:
        seconds = timed(contenders(NETWORKS[name], data, device, clock), device, clock, n=n)
        rows.append(row(name, seconds))
        print(rows[-1], flush=True)
    counts = ", ".join(f"{len(split):,} {kind}" for kind, split in data.splits.items())
    return page(
        "An epoch: the notebook's way against the engine",
        f"FER2013, {counts} images, batches of 128; an epoch with its validation. The ratios are of the epochs that "
        f"ran next to each other. Seconds of {'the wall' if clock is time.perf_counter else 'the processor'}. "
        f"Device: {device.type}, {torch.get_num_threads()} thread(s), default precision "
        f"{choose_precision(device, data.image_shape)}.",
        [
            "| network | (a) notebook | (b) engine, float32 | (c) engine | (a) / (b) | (a) / (c) |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
        ],
        f"{machine_line(PACKAGES, n=n, load=load, of='epochs each, taking turns')} "
        f"Made by `python -m benchmarks.epoch FER2013 {' '.join(sys.argv[2:])}`.",
    )


def contenders(recipe: Recipe, data: DataSet, device: torch.device, clock: Clock) -> dict[str, Contender]:
    """The three ways, the notebook's with the number of loader processes that is faster here."""
    recipe = dataclasses.replace(recipe, schedule="constant", epochs=FAR_AWAY)
    loaders = faster_loader(recipe, data, device) if clock is time.perf_counter else 0
    return {
        "notebook": notebook(recipe, data, device, loader_processes=loaders),
        "float32": engine(recipe, data, device, "float32"),
        "engine": engine(recipe, data, device, None),
    }


def faster_loader(recipe: Recipe, data: DataSet, device: torch.device) -> int:
    """0 or 2 loader processes, whichever makes the faster second epoch of a few images."""
    few = with_first(with_first(data, "train", LOADER_IMAGES), "validation", LOADER_IMAGES // TRAIN_IMAGES_EACH)
    seconds = {}
    for count in (0, 2):
        epoch = notebook(recipe, few, device, loader_processes=count)
        epoch()  # loader processes start, and torch chooses its kernels
        seconds[count] = seconds_of(epoch, device, time.perf_counter)
    return min(seconds, key=seconds.__getitem__)


def notebook(recipe: Recipe, data: DataSet, device: torch.device, *, loader_processes: int) -> Contender:
    """The notebook's way."""
    epochs = NotebookTraining(recipe, data, device=device, loader_processes=loader_processes).epochs()
    return lambda: next(epochs).validation_accuracy


def engine(recipe: Recipe, data: DataSet, device: torch.device, precision: Precision | None) -> Contender:
    """Ours; None is the precision that it chooses."""
    epochs = Training(recipe, data, metric=METRICS["accuracy"], device=device, precision=precision).epochs()
    return lambda: next(epochs).validation_accuracy


def timed(ways: Mapping[str, Contender], device: torch.device, clock: Clock, *, n: int) -> dict[str, list[float]]:
    """Seconds of `n` epochs of each, taking turns, after one that does not count."""
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(n):
        for name, way in ways.items():
            seconds[name].append(seconds_of(way, device, clock))
    return seconds


def seconds_of(way: Contender, device: torch.device, clock: Clock) -> float:
    """One epoch."""
    started = clock()
    way()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - started


def row(name: str, seconds: Mapping[str, Sequence[float]]) -> str:
    """A line of the table."""
    times = " | ".join(spread(values, 1.0, "s") for values in seconds.values())
    ratios = " | ".join(ratio(seconds["notebook"], seconds[ours]) for ours in ("float32", "engine"))
    return f"| {name} | {times} | {ratios} |"


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> str:
    """How many times as fast, median (lowest to highest) of the pairs."""
    ratios = [slow / fast for slow, fast in zip(theirs, ours, strict=True)]
    return f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})"


def report_of_trainings(
    networks: Sequence[str], data: DataSet, device: torch.device, load: float, *, epochs: int | None
) -> str:
    """Train each network once in both ways, from the same recipe."""
    rows = []
    for name in networks:
        recipe = dataclasses.replace(NETWORKS[name], epochs=epochs or NETWORKS[name].epochs)
        ways = {
            "notebook": notebook(recipe, data, device, loader_processes=2),
            "engine": engine(recipe, data, device, None),
        }
        for way, epoch in ways.items():
            started = time.perf_counter()
            accuracies = [epoch() for _ in range(recipe.epochs)]
            seconds = time.perf_counter() - started
            rows.append(f"| {name} | {way} | {max(accuracies):.4f} | {accuracies[-1]:.4f} | {seconds:.0f} s |")
            print(rows[-1], flush=True)
    counts = ", ".join(f"{len(split):,} {kind}" for kind, split in data.splits.items())
    return page(
        "A whole training: the notebook's way against the engine",
        f"FER2013, {counts} images; one-cycle over {recipe.epochs} epochs, batches of 128, seed 0. The 95 % "
        "interval of an accuracy of 0.5 on 3,589 images is ± 0.016.",
        [
            "| network | way | best validation accuracy | last | seconds |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        ],
        f"{machine_line(PACKAGES, n=1, load=load, medians=False)} "
        "Made by `python -m benchmarks.epoch FER2013 --train --output`.",
    )


def page(title: str, what: str, table: Sequence[str], how: str) -> str:
    """A result as Markdown."""
    return "\n".join((f"# {title}", "", what, "", *table, "", how, ""))


def with_first(data: DataSet, name: SplitName, count: int) -> DataSet:
    """The data with the first `count` images of a split."""
    split = data.splits[name]
    shorter = Split(split.images_MHWC, split.rows_N[:count], split.labels_N[:count])
    return dataclasses.replace(data, splits={**data.splits, name: shorter})


if __name__ == "__main__":
    main()
