"""Processes that train at once: real ones, on the digits."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import psutil
import pytest
import torch

from automl.data.loading import load_data_set
from automl.errors import ModelError, TrainingError
from automl.preflight.throughput import ThroughputBenchmark
from automl.recipe import Recipe
from automl.study.specification import Specification
from tests.spoiled import spoil
from tests.studies import SPECIFICATION

CPU = torch.device("cpu")
NETWORKS = """\
import os
import signal
from torch import nn

def killed(recipe, image_shape, num_classes):
    os.kill(os.getpid(), signal.SIGKILL)

def broken(recipe, image_shape, num_classes):
    raise ZeroDivisionError("of our making")

def text(recipe, image_shape, num_classes):
    return "network"
"""


@pytest.fixture
def specification(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Specification:
    """Of a study on the digits, in a folder with networks that go wrong, and with modules that no process may take."""
    spoil(tmp_path)
    (tmp_path / "wrong_networks.py").write_text(NETWORKS)
    monkeypatch.chdir(tmp_path)
    data = load_data_set("digits", home=home, splits=("train", "validation"))
    return dataclasses.replace(SPECIFICATION, data=data.identity)


def test_as_many_processes_train_as_there_will_be_workers(specification: Specification, home: Path) -> None:
    with ThroughputBenchmark(specification, home=home, workers=2, device=CPU) as benchmark:
        assert len(psutil.Process().children()) >= 2
        small = benchmark.measure(Recipe(depth=0, batch_size=64))
        large = benchmark.measure(Recipe(block="residual", depth=3, width=32, batch_size=64))
        alive = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
        children = [child for child in alive if "spawn_main" in " ".join(child.cmdline())]
    assert 0 < small.seconds_an_epoch < large.seconds_an_epoch
    assert small.memory_bytes > 100 * 2**20  # torch alone takes more
    assert not any(child.is_running() for child in children)


@pytest.mark.parametrize(
    ("network", "error", "message"),
    [
        ("killed", TrainingError, "cpu has too little memory to train it, in batches of 32, with so many workers"),
        ("text", ModelError, "The builder returned str. It has to return a torch.nn.Module."),
        ("broken", RuntimeError, "A measuring process ended with 1; its traceback is above."),
    ],
)
def test_what_goes_wrong_in_a_process_is_told_here(
    specification: Specification, home: Path, network: str, error: type[Exception], message: str
) -> None:
    own = dataclasses.replace(specification, model=f"wrong_networks:{network}")
    benchmark = ThroughputBenchmark(own, home=home, workers=1, device=CPU)
    with benchmark, pytest.raises(error, match=re.escape(message)):
        benchmark.measure(Recipe(batch_size=32))
