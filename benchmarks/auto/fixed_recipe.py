"""One recipe, trained for all of the time: the first residual network of the space `fer2013`, at up to 64 pixels."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.metrics import METRICS
from automl.models.geometry import largest_depth
from automl.recipe import Recipe
from automl.training.loop import Training
from benchmarks.auto.record import Record

LARGEST_SIDE = 64
TIMED_EPOCHS = 2
MARGIN = 0.97
"""Share of the time left that is planned: epochs differ."""
RECIPE: dict[str, Any] = {
    "block": "residual",
    "depth": 4,
    "width": 32,
    "stem": "strided3",
    "downsample": "stride",
    "dropout": 0.3,
    "weight_decay": 0.05,
    "label_smoothing": 0.1,
    "rotation_degrees": 15,
    "zoom": 0.15,
    "shift": 0.12,
    "learning_rate": 3e-3,
    "batch_size": 128,
    "schedule": "one_cycle",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("home", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--flip", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--started-at", type=float, required=True)
    options = parser.parse_args()
    record = train(options, ends_at=options.started_at + options.seconds)
    record.seconds = time.time() - options.started_at
    record.write(options.record)


def train(options: argparse.Namespace, *, ends_at: float) -> Record:
    """Train as many epochs as there is time for; the best of them is tested once."""
    data = load_data_set(options.data, home=options.home, split_seed=options.seed)
    if max(data.image_shape[1:]) > LARGEST_SIDE:
        sizing = Sizing(LARGEST_SIDE, "crop")
        data = load_data_set(options.data, home=options.home, split_seed=options.seed, sizing=sizing)
    metric, device = METRICS[options.metric], torch.device("cpu")
    depth = min(RECIPE["depth"], largest_depth(RECIPE["stem"], RECIPE["downsample"], data.image_shape))
    fields = RECIPE | {"depth": depth, "flip": options.flip, "seed": options.seed}
    timed = Training(Recipe.from_mapping(fields | {"epochs": 100}), data, metric=metric, device=device)
    seconds = min(next(timed.epochs()).seconds for _ in range(TIMED_EPOCHS))
    epochs = max(1, int(MARGIN * (ends_at - time.time()) / seconds))
    training = Training(Recipe.from_mapping(fields | {"epochs": epochs}), data, metric=metric, device=device)
    record = Record(trials=1, winner=f"one recipe, {epochs} epochs")
    for result in training.epochs():
        record.note(time.time() - options.started_at, metric.of(result))
    record.test = float(getattr(training.evaluate(data.splits["test"]), options.metric))
    return record


if __name__ == "__main__":
    main()
