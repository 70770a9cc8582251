"""The number of CPU threads that is fastest now, and the pace of a training, measured from real steps.

What else a machine does decides how many threads are fastest: with one other busy process on two cores an epoch of a
small network took 9.3 s with two threads and 3.5 s with one; idle, two took 2.0 s (n = 4; benchmarks/LOG.md).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from automl.data.batches.batching import Batch
from automl.data.dataset import DataSet
from automl.metrics import METRICS
from automl.models.building import Builder
from automl.recipe import Recipe
from automl.training.loop import Training
from automl.training.randomness import global_seed, host_generator, stream_seed

MOST_SECONDS = 1.5
MOST_SHARE = 0.02
"""A measurement takes no more of the time, in seconds, and no larger share of the training, but for two steps of each
count: with fewer steps in all than that allows, nothing is compared."""
ROUNDS = 4
"""Counts take turns so often, because a machine's load comes and goes."""
MOST_BATCHES = 8
"""Batches that are kept to measure with."""
HARMLESS_RATE = 1e-6
"""Learning rate of measured steps: their cost does not depend on it."""
CLEAR_GAIN = 0.95
"""Another count than the present one has to take no more than this share of its time."""
FORWARD_SHARE = 0.4
"""Time to evaluate an image, as a share of the time to train on it."""


@dataclass(frozen=True)
class StepPace:
    """The pace of a training on this machine now."""

    seconds_an_epoch: float
    """Forecast of an epoch with its validation, in seconds."""
    threads: int
    """Number of CPU threads in use, the fastest of those that were tried."""


def all_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_candidates(device: torch.device, *, share: int, alone: bool) -> tuple[int, ...]:
    """Counts worth trying: one, the share of the cores, and where no other worker needs them all of them; none on GPUs.

    `share`: the number of cores for each worker of this machine.
    """
    if device.type != "cpu":
        return ()
    return tuple(sorted({1, share, *((all_cores(),) if alone else ())}))


def choose_threads(
    recipe: Recipe, data: DataSet, candidates: Sequence[int], *, device: torch.device, build: Builder
) -> None:
    """Set the fastest number of threads for a recipe, if there is a choice.

    Raises: ModelError if the network cannot be built for these images; what a step raises.
    """
    if candidates:
        measure_steps(Training(recipe, data, metric=METRICS["loss"], device=device, build=build), candidates)


def measure_steps(training: Training, candidates: Sequence[int] = ()) -> StepPace:
    """Train a few steps and take them back; the fastest number of threads of `candidates` is set then.

    The training goes on as if nothing had been: its weights, its optimizer and its random numbers are restored.

    Raises: what a step raises, such as torch.OutOfMemoryError.
    """
    before = training.learner.state()
    seed = training.recipe.seed
    try:
        with global_seed(stream_seed("network", seed=seed), training.device):
            return _measured(training, candidates)
    finally:
        training.learner.optimizer.zero_grad()
        training.learner.load_state(before)


def _measured(training: Training, candidates: Sequence[int]) -> StepPace:
    present = torch.get_num_threads()
    steps = len(training.batches) * (training.recipe.epochs - training.next_epoch)
    counts = sorted({present, *candidates})
    if 2 * len(counts) > MOST_SHARE * steps:
        counts = [present]
    batches, preparation = _first_batches(training)
    training.learner.model.train()
    torch.set_num_threads(counts[0])
    _timed(training, batches)  # the first step loads parts of torch
    times = _compared(training, batches, counts, steps=steps)
    threads = fastest(times, present=present)
    torch.set_num_threads(threads)
    ratio = len(training.validation_labels_N) / len(training.batches.images)
    step = times[threads] + preparation
    return StepPace(len(training.batches) * step * (1 + FORWARD_SHARE * ratio), threads)


def _first_batches(training: Training) -> tuple[list[Batch], float]:
    """A few batches, and the seconds that it takes to prepare one."""
    began = time.perf_counter()
    passing = training.batches.epoch(generator=host_generator("batches", seed=training.recipe.seed, epoch=0))
    batches = [next(passing)]
    prepared = min(training.batches.batches_a_block, len(training.batches))
    _wait(training.device)
    preparation = (time.perf_counter() - began) / prepared
    for batch in passing:
        if len(batches) >= min(MOST_BATCHES, prepared):
            break
        batches.append(batch)
    return batches, preparation


def _compared(training: Training, batches: Sequence[Batch], counts: Sequence[int], *, steps: int) -> dict[int, float]:
    """Mean seconds of a step by number of threads, which take turns; the first step of each does not count.

    Each count gets a first turn, however long its steps are: on a busy machine those of too many threads take ten
    times as long as those of one. `steps`: of the whole training.
    """
    taken: dict[int, list[float]] = {count: [] for count in counts}
    began = time.perf_counter()
    allowed = 0.0
    for turn in range(ROUNDS):
        for count in counts:
            torch.set_num_threads(count)
            if not turn:
                _timed(training, batches)
            until = time.perf_counter() + allowed / (ROUNDS * len(counts))
            while not taken[count] or time.perf_counter() < until:
                taken[count].append(_timed(training, batches[len(taken[count]) % len(batches) :]))
            best = min(sum(found) / len(found) for found in taken.values() if found)
            allowed = min(MOST_SECONDS, MOST_SHARE * steps * best)
        if time.perf_counter() - began >= allowed:
            break
    return {count: sum(found) / len(found) for count, found in taken.items()}


def fastest(times: Mapping[int, float], *, present: int) -> int:
    """The count with the shortest step; the present one unless another is clearly faster."""
    best = min(times, key=lambda count: times[count])
    return best if times[best] <= CLEAR_GAIN * times[present] else present


def _timed(training: Training, batches: Sequence[Batch]) -> float:
    """Seconds of a step on the first batch; the host waits for the device."""
    began = time.perf_counter()
    training.learner.step(batches[0], learning_rate=HARMLESS_RATE, step=0)
    _wait(training.device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
