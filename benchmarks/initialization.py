"""First weights of the convolutional family: ours, PyTorch's own, and a head that begins at zero, side by side.

    python -m benchmarks.initialization ../shared/data/fer2013/archive.zip --images 4000 --epochs 5 --home HOME
    python -m benchmarks.initialization ../shared/data/images/sign-digits.zip --image-size 48 --epochs 6 --home HOME

The network is the first recipe of the space `fer2013` at half its width. The same seeds train every variant, on one
thread.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn

from automl.data.dataset import DataSet, Split
from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.metrics import METRICS, EpochResult
from automl.models.family import Network
from automl.models.geometry import ImageShape
from automl.recipe import Recipe
from automl.spaces.baselines import nearest
from automl.spaces.file import load_space
from automl.training.loop import Training

WIDTH = 16
Builder = Callable[[Recipe, ImageShape, int], nn.Module]


def _ours(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> Network:
    return Network(recipe, image_shape, num_classes)


def _zero_head(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> Network:
    network = _ours(recipe, image_shape, num_classes)
    nn.init.zeros_(network.classes.weight)
    return network


def _pytorch(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> Network:
    network = _ours(recipe, image_shape, num_classes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
    return network


def _pytorch_convolutions(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> Network:
    network = _ours(recipe, image_shape, num_classes)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.reset_parameters()
    return network


VARIANTS: Mapping[str, Builder] = {
    "ours": _ours,
    "ours, head at zero": _zero_head,
    "PyTorch's": _pytorch,
    "PyTorch's convolutions, our head": _pytorch_convolutions,
}


def main() -> None:
    """Train every variant with every seed, alternating, and print a line each and the means."""
    arguments = _arguments()
    torch.set_num_threads(1)
    sizing = Sizing(arguments.image_size)
    whole = load_data_set(arguments.data, home=arguments.home, splits=("train", "validation"), sizing=sizing)
    data = _part(whole, arguments.images)
    space = load_space("fer2013").fitted_to(data.image_shape)
    recipe = Recipe.from_mapping(
        {**nearest(space.parameters, space.first[0]), "epochs": arguments.epochs, "width": WIDTH}
    )
    found: dict[str, list[tuple[float, EpochResult]]] = {name: [] for name in arguments.variants or VARIANTS}
    for seed in range(arguments.seeds):
        for name in found:
            build = VARIANTS[name]
            found[name].append(_run(data, recipe, build, seed=seed))
            first, last = found[name][-1]
            print(f"{name}, seed {seed}: {first:.3f} {last.train_loss:.4f} {last.validation_loss:.4f}", flush=True)
    print(f"{data.name}, {len(data.splits['train'])} images of {data.image_shape}, {arguments.epochs} epochs")
    print("| weights | first loss | training loss | validation loss | validation accuracy |")
    print("| --- | --- | --- | --- | --- |")
    for name, runs in found.items():
        print(_row(name, runs))


def _run(data: DataSet, recipe: Recipe, build: Builder, *, seed: int) -> tuple[float, EpochResult]:
    """Loss of 256 training images before the first step, and the last epoch's figures."""
    device, seeded = torch.device("cpu"), dataclasses.replace(recipe, seed=seed)
    training = Training(seeded, data, metric=METRICS["loss"], device=device, build=build)
    images_BHWC = torch.from_numpy(data.splits["train"].images_MHWC[data.splits["train"].rows_N[:256]])
    labels_B = torch.from_numpy(data.splits["train"].labels_N[:256])
    network = copy.deepcopy(training.learner.model).train()
    with torch.inference_mode():
        logits_BK = network(training.normalization(images_BHWC.permute(0, 3, 1, 2)))
    *_, last = training.epochs()
    return float(nn.functional.cross_entropy(logits_BK, labels_B)), last


def _row(name: str, runs: Sequence[tuple[float, EpochResult]]) -> str:
    columns = [
        [first for first, _ in runs],
        [last.train_loss for _, last in runs],
        [last.validation_loss for _, last in runs],
        [last.validation_accuracy for _, last in runs],
    ]
    cells = [f"{statistics.fmean(column):.3f} ± {statistics.stdev(column):.3f}" for column in columns]
    return f"| {name} | {' | '.join(cells)} |"


def _part(data: DataSet, images: int | None) -> DataSet:
    train = data.splits["train"]
    if images is None or images >= len(train):
        return data
    kept, _ = train_test_split(np.arange(len(train)), train_size=images, stratify=train.labels_N, random_state=0)
    kept.sort()
    part = Split(train.images_MHWC, train.rows_N[kept], train.labels_N[kept])
    return dataclasses.replace(data, splits={**data.splits, "train": part})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--images", type=int, help="training images, drawn by class with seed 0; all without")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--variants", nargs="*", choices=tuple(VARIANTS))
    parser.add_argument("--seeds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
