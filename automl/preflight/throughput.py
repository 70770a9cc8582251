"""Throughput: a concurrent benchmark in as many processes as a search will have workers."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from automl.child_processes import isolated_children, main_set_aside
from automl.data.dataset import DataSet
from automl.errors import AutomlError, TrainingError
from automl.models.building import Builder, resolve_builder
from automl.recipe import Recipe
from automl.study.specification import Specification
from automl.study.study_data import load_study_data
from automl.training.pace import Pace, measure_memory, measure_pace
from automl.training.threads import choose_threads, thread_candidates

START_SECONDS = 300.0
"""Longest wait of the processes for each other, in seconds. Each loads torch and the data."""


class ThroughputBenchmark:
    """`workers` processes on one device, or where that is a GPU on all GPUs in turn; a context manager."""

    def __init__(self, specification: Specification, *, home: Path, workers: int, device: torch.device) -> None:
        """Nothing runs before the block begins. `home`: where the decoded data are."""
        self._specification, self._home, self._workers, self._device = specification, home, workers, device
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []

    def __enter__(self) -> Self:
        # A forked copy of this process could use neither the GPU nor the threads that torch has started here.
        context = multiprocessing.get_context("spawn")
        with isolated_children():  # the first barrier starts multiprocessing's tracker of semaphores
            self._barrier = context.Barrier(self._workers)  # kept, or its semaphores would be gone before all have them
        threads = max(1, (os.cpu_count() or 1) // self._workers)
        for index in range(self._workers):
            here, there = context.Pipe()
            arguments = there, self._barrier, self._specification, self._home, threads, _device_of(index, self._device)
            process = context.Process(target=_measure_recipes, args=arguments, daemon=True)
            with isolated_children(), main_set_aside():
                process.start()
            there.close()  # else the end of the process would not close the connection
            self._processes.append(process)
            self._connections.append(here)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.terminate()
            process.join()
        for connection in self._connections:
            connection.close()

    def measure(self, recipe: Recipe, *, seconds_an_epoch: float | None = None) -> Pace:
        """Measure the time of the slowest and the memory of the largest process while all of them train this recipe.

        With `seconds_an_epoch`, a forecast, only the memory is measured, by one step.

        Raises: TrainingError if there is too little memory. ModelError or DataError if it cannot be trained.
        """
        for connection in self._connections:
            connection.send((recipe, seconds_an_epoch))
        paces: list[Pace] = []
        while len(paces) < self._workers:
            ready = wait(self._connections)
            paces += [self._answer(connection, recipe) for connection in self._connections if connection in ready]
        return Pace(max(pace.seconds_an_epoch for pace in paces), max(pace.memory_bytes for pace in paces))

    def _answer(self, connection: Connection, recipe: Recipe) -> Pace:
        try:
            answer: Pace | AutomlError = connection.recv()
        except (EOFError, ConnectionResetError):
            answer = self._explain_end(self._processes[self._connections.index(connection)], recipe)
        if isinstance(answer, AutomlError):
            raise answer
        return answer

    def _explain_end(self, process: BaseProcess, recipe: Recipe) -> AutomlError:
        """Explain why a process ended. The kernel kills one that takes too much memory; anything else is a bug."""
        process.join()
        if process.exitcode != -signal.SIGKILL:
            raise RuntimeError(f"A measuring process ended with {process.exitcode}; its traceback is above.")
        return _too_large(recipe, self._device)


def _measure_recipes(
    connection: Connection, barrier: Barrier, specification: Specification, home: Path, threads: int, device: str
) -> None:
    """Measure each recipe that comes, in one of the processes. It waits for the others, so that they compete."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for this one
    candidates = thread_candidates(torch.device(device), share=threads, alone=barrier.parties == 1)
    data = load_study_data(specification, of="this check", home=home)
    build = resolve_builder(specification.model)
    while True:
        try:
            recipe, forecast = connection.recv()
        except EOFError:
            return
        barrier.wait(START_SECONDS)
        try:
            torch.set_num_threads(threads)
            if forecast is None:
                choose_threads(recipe, data, candidates, device=torch.device(device), build=build)
            connection.send(_pace(recipe, data, device=torch.device(device), build=build, forecast=forecast))
        except torch.OutOfMemoryError:
            connection.send(_too_large(recipe, torch.device(device)))
        except AutomlError as error:
            connection.send(error)


def _pace(recipe: Recipe, data: DataSet, *, device: torch.device, build: Builder, forecast: float | None) -> Pace:
    if forecast is None:
        return measure_pace(recipe, data, device=device, build=build)
    return Pace(forecast, measure_memory(recipe, data, device=device, build=build))


def _too_large(recipe: Recipe, device: torch.device) -> TrainingError:
    return TrainingError(
        f"{device} has too little memory to train it, in batches of {recipe.batch_size}, with so many workers at once. "
        "Use fewer --workers, or a space with smaller networks or batches."
    )


def _device_of(index: int, device: torch.device) -> str:
    return f"cuda:{index % torch.cuda.device_count()}" if device.type == "cuda" else str(device)
