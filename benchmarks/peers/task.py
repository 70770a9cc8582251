"""What every contender is given, and what it has to leave behind."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from automl.data.batches.normalization import measure_normalization
from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.models.building import build_model
from automl.recipe import Recipe
from automl.spaces.file import load_space
from automl.spaces.space import SearchSpace
from benchmarks.notebook import PilImages, accuracy, as_tensors

SPACE, EPOCHS, PATIENCE = "fer2013", 20, 8


@dataclass(frozen=True)
class Task:
    """One search."""

    data: Path
    """The fixed part of FER2013."""
    home: Path
    """An empty folder for whatever the contender keeps."""
    seconds: float
    """Wall clock from `started_at`, imports and the loading of the data included."""
    seed: int
    started_at: float
    """By `time.time()`."""

    @property
    def space(self) -> SearchSpace:
        """The same recipes for everybody, the same ones first."""
        return load_space(SPACE).with_value("epochs", EPOCHS)

    def elapsed_seconds(self) -> float:
        """Since the start."""
        return time.time() - self.started_at

    def load(self) -> DataSet:
        """Training and validation images."""
        return load_data_set(str(self.data), home=self.home, splits=("train", "validation"))


@dataclass
class Record:
    """What a contender found, and when."""

    improvements: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start and the validation accuracy of a model that could be handed over then."""
    trials: int = 0
    test_accuracy: float | None = None

    def note(self, seconds: float, accuracy: float) -> bool:
        """Remember an improvement; returns whether it was one."""
        if self.improvements and accuracy <= self.improvements[-1][1]:
            return False
        self.improvements.append((seconds, accuracy))
        return True

    def best_at(self, seconds: float) -> float:
        """The best so far at a moment; 0 before the first."""
        return max((accuracy for at, accuracy in self.improvements if at <= seconds), default=0.0)

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read back what `write` wrote."""
        return cls(**json.loads(path.read_text("utf-8")))


@torch.no_grad()
def accuracy_on_test(weights: dict[str, torch.Tensor], recipe: Recipe, task: Task) -> float:
    """The one look of a notebook's best network at the test split."""
    data = load_data_set(str(task.data), home=task.home)
    model = build_model(recipe, data.image_shape, len(data.class_names))
    model.load_state_dict(weights)
    images = PilImages(data.splits["test"], as_tensors(measure_normalization(data.splits["train"])))
    return accuracy(model, DataLoader(images, batch_size=256), torch.device("cpu"))


def task_from_command_line(description: str | None) -> tuple[Task, Path]:
    """The task that `compare` gives a contender, and where its record goes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("data", type=Path)
    parser.add_argument("home", type=Path)
    parser.add_argument("record", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--started-at", type=float, required=True)
    options = parser.parse_args()
    task = Task(options.data, options.home, options.seconds, options.seed, options.started_at)
    return task, options.record
