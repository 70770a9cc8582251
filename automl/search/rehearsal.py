"""Processes that train at the same time, as a search's workers will, to find out what that costs on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection, wait
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from automl.data.loading import load_data_set
from automl.errors import AutomlError, TrainingError
from automl.models.building import build_model, resolve_builder
from automl.recipe import Recipe
from automl.search.specification import Specification
from automl.training.pace import Pace, measure_pace

START_SECONDS = 300.0
"""The processes wait so long for each other; each has torch and the data to load."""


class Rehearsal:
    """`workers` processes on one device, or where it is `cuda` on the GPUs in turn; a context manager."""

    def __init__(self, specification: Specification, *, home: Path, workers: int, device: torch.device) -> None:
        """Nothing runs before the block begins. `home`: where the decoded data are."""
        # A forked copy of this process could use neither the GPU nor the threads that torch has started here.
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(workers)
        self._device, self._connections, self._processes = device, [], []
        for index in range(workers):
            here, there = context.Pipe()
            part = _Part(specification, home, max(1, (os.cpu_count() or 1) // workers), _device_of(index, device))
            self._connections.append(here)
            self._processes.append(context.Process(target=_take_part, args=(part, there, barrier), daemon=True))

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.terminate()
            process.join()
