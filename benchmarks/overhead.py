"""What a worker does besides training: its share of the wall time of 20-second trials in a study of 100.

    python -m benchmarks.overhead ../shared/data/fer2013/archive.zip --output

Two workers (on a GPU one), each a process of its own with its share of the cores, join a study whose first trials are
made up (benchmarks/seeding.py). Nothing in them is replaced: claim, draw, network, epochs, reports, pruning decisions,
wandb (offline), checkpoints, weights, notes, pictures. Only what the pruner decides is not followed, so that every
trial has its full length. Training and validation are `Training._epoch`, and the one pass of the best weights over the
mirrored validation images that calibration wants; all the rest of the time is overhead. Publishing is done by a thread
behind the next trial's training, and so its processor time is counted as overhead as well.
"""

from __future__ import annotations

import collections
import dataclasses
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import torch

import automl.worker.pull_loop
import automl.worker.recorder
import automl.worker.trial
from automl.artifacts.store import FolderStore
from automl.recipe import Recipe
from automl.spaces.file import load_space
from automl.spaces.space import SearchSpace
from automl.storage.database import open_database
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.record import find_study
from automl.tracking.wandb_runs import RunTracker
from automl.training.device import choose_device
from automl.training.loop import Training
from automl.training.pace import measure_pace
from automl.worker.publisher import TrialPublisher
from automl.worker.pull_loop import Worker
from automl.worker.recorder import TrialRecorder
from automl.worker.trial import TrialRun
from benchmarks.epoch import fer2013_parser, page, read_data
from benchmarks.machine import machine_line, spread
from benchmarks.seeding import seed_trials
from benchmarks.startup import SPECIFICATION

RESULT = Path(__file__).parent / "results"
PACKAGES = ("torch", "optuna", "sqlalchemy", "psycopg2-binary", "wandb")
STUDY, STUDY_TRIALS, TRIAL_SECONDS = "overhead", 100, 20
TRAINING, MIRRORED = "training and validation", "validation of the best weights on mirror images"
BEHIND = "publishing, behind the next trial's training"
STEPS = {
    "claim": (Worker, "_next_claim"),
    "open": (TrialRecorder, "open"),
    "draw": (TrialRecorder, "draw_recipe"),
    "network": (Training, "__init__"),
    "plan": (TrialRecorder, "record_plan"),
    TRAINING: (Training, "_epoch"),
    "cost of the model": (TrialRun, "_check_model_cost"),
    "report": (TrialRecorder, "_report_pending"),
    "prune": (optuna.Trial, "should_prune"),
    "tracking": (RunTracker, "log"),
    "tracking, start": (RunTracker, "start"),
    "tracking, finish": (RunTracker, "finish"),
    "checkpoint": (TrialRun, "_save_checkpoint"),
    MIRRORED: (Training, "predictions"),
    "weights": (automl.worker.trial, "write_weights"),
    "calibration": (automl.worker.trial, "calibrated_figures"),
    "end": (automl.worker.recorder, "report_end"),
    BEHIND: (TrialPublisher, "_publish"),
}
"""What is measured, by whose method; none of them calls another. Publishing by the processor time of its thread."""
NETWORK: Mapping[str, object] = {
    "block": "residual", "depth": 3, "width": 16, "stem": "strided3", "downsample": "stride", "pooling": "average",
    "flip": 0.5, "rotation_degrees": 15, "zoom": 0.15, "shift": 0.12, "optimizer": "adamw", "batch_size": 128,
    "schedule": "one_cycle",
}  # fmt: skip
SEARCHED: Mapping[str, object] = {
    "dropout": {"min": 0.1, "max": 0.6},
    "block_dropout": {"min": 0.0, "max": 0.2},
    "stochastic_depth": {"min": 0.0, "max": 0.2},
    "weight_decay": {"distribution": "log_uniform_values", "min": 5e-3, "max": 2e-1},
    "label_smoothing": {"min": 0.0, "max": 0.2},
    "augmentation_strength": {"min": 0.5, "max": 1.5},
    "erasing": {"values": [0.0, 0.25]},
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-3, "max": 1e-2},
}
"""What costs about the same whatever is drawn."""


@dataclass(frozen=True)
class Trial:
    """Where the time of one trial went."""

    wall_seconds: float
    """From the end of the worker's last trial to the end of this one."""
    seconds: Mapping[str, float]
    """By step."""

    @property
    def overhead(self) -> float:
        """The share that is neither training nor validation."""
        useful = self.seconds[TRAINING] + self.seconds[MIRRORED] - self.seconds.get(BEHIND, 0.0)
        return 1 - useful / self.wall_seconds


@dataclass(frozen=True)
class WorkerFigures:
    """What a worker process measured of itself."""

    data_seconds: float
    """Of loading the data, once in the worker's life."""
    trials: tuple[Trial, ...]


def main() -> None:
    options = fer2013_parser(__doc__, what="trials of each worker, besides its first", n=2).parse_args()
    device, load = choose_device(options.device), os.getloadavg()[0]
    workers = 1 if device.type == "cuda" else len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        figures, epochs = measure(options.data, options.home, Path(folder, "home"), device, workers, options.n + 1)
    text = report(figures, epochs, device, load)
    print(text)
    if options.output:
        RESULT.joinpath(f"overhead_{device.type}.md").write_text(text, encoding="utf-8")


def measure(
    source: str, cache: Path, home: Path, device: torch.device, workers: int, trials: int
) -> tuple[list[WorkerFigures], int]:
    """Run the workers on a seeded study; also returns how many epochs a trial has."""
    data = read_data(source, cache, device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    pace = measure_pace(Recipe.from_mapping(NETWORK), data, device=device)
    epochs = max(round(TRIAL_SECONDS / pace.seconds_an_epoch), 2)
    specification = dataclasses.replace(SPECIFICATION, data=data.identity, space=space_of(epochs))
    context = multiprocessing.get_context("spawn")
    with open_database(None, home=home) as database:
        create_schema(database)
        budget = Budget(trials=STUDY_TRIALS + workers * trials)
        record = create_or_continue(database, STUDY, specification, budget)
        seed_trials(database, record, trials=STUDY_TRIALS)
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            futures = [pool.submit(work, home, cache, str(device)) for _ in range(workers)]
            return [future.result() for future in futures], epochs


def space_of(epochs: int) -> SearchSpace:
    """Eight parameters to search, the network fixed."""
    fixed = {name: {"value": value} for name, value in {**NETWORK, "epochs": epochs}.items()}
    return load_space({"parameters": {**fixed, **SEARCHED}})


def work(home: Path, cache: Path, device: str) -> WorkerFigures:
    """One worker, in this process, until the budget is used."""
    clock = Clock()
    for name, (owner, attribute) in STEPS.items():
        setattr(owner, attribute, clock.timed(name, getattr(owner, attribute)))
    setattr(TrialRun, "run", clock.ends_trial(TrialRun.run))  # noqa: B010 - for mypy a method of the same name
    with open_database(None, home=home) as database:
        with database.engine.connect() as connection:
            record = find_study(connection, STUDY)
        began = time.perf_counter()
        worker = Worker(
            database,
            record,
            home=cache,
            artifacts=FolderStore(home / "artifacts"),
            tracker=RunTracker(folder=home, study=STUDY, study_uid=STUDY, mode="offline", warn=print),
            write_model=lambda *_: None,
            stop_event=threading.Event(),
            outage_seconds=60,
            device=device,
            threads=1 if device == "cpu" else None,
            log=lambda line: print(line, flush=True),
        )
        data_seconds = time.perf_counter() - began
        clock.start()
        worker.run()
    return WorkerFigures(data_seconds, tuple(clock.trials))


class Clock:
    """Seconds by step, trial by trial."""

    def __init__(self) -> None:
        self.trials: list[Trial] = []
        self._seconds: dict[str, float] = collections.defaultdict(float)
        self._began = 0.0

    def start(self) -> None:
        """Now the first trial begins."""
        self._began = time.perf_counter()

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, measured; what the pruner says is not followed."""

        def measured(*arguments: Any, **options: Any) -> Any:
            clock = time.thread_time if name == BEHIND else time.perf_counter
            began = clock()
            try:
                result = call(*arguments, **options)
            finally:
                self._seconds[name] += clock() - began
            return False if name == "prune" else result

        return measured

    def ends_trial(self, run: Callable[[TrialRun], Any]) -> Callable[[TrialRun], Any]:
        """`run`, after which a trial is over."""

        def noted(trial: TrialRun) -> Any:
            result = run(trial)
            now = time.perf_counter()
            self.trials.append(Trial(now - self._began, dict(self._seconds)))
            self._began, self._seconds = now, collections.defaultdict(float)
            return result

        return noted


def report(figures: list[WorkerFigures], epochs: int, device: torch.device, load: float) -> str:
    """A page of Markdown."""
    trials = [trial for one in figures for trial in one.trials[1:]]
    first = [one.trials[0].overhead for one in figures]
    wall = sum(trial.wall_seconds for trial in trials)
    means = {name: sum(trial.seconds.get(name, 0.0) for trial in trials) / len(trials) for name in STEPS}
    rest = wall / len(trials) - sum(seconds for name, seconds in means.items() if name != BEHIND)
    rows = [
        f"| {name} | {seconds:.3f} | {seconds * len(trials) / wall:.2%} |"
        for name, seconds in {**means, "everything else": rest}.items()
    ]
    shares = sorted(trial.overhead for trial in trials)
    return page(
        "What a worker does besides training",
        f"**{sum(trial.overhead * trial.wall_seconds for trial in trials) / wall:.1%}** of the wall time of trials of "
        f"{spread([trial.wall_seconds for trial in trials], 1, 's')} is neither training nor validation "
        f"({shares[0]:.1%} to {shares[-1]:.1%} by trial), in a study of {STUDY_TRIALS} finished trials, with "
        f"{len(figures)} workers and {epochs} epochs a trial. Not counted: each worker's first trial, which loads "
        f"modules and the study's trials ({min(first):.1%} to {max(first):.1%}). The pass over mirror "
        f"images is validation here; on this part of FER2013 it is {means[MIRRORED] * len(trials) / wall:.1%}. "
        f"Device: {device.type}.",
        ["| a trial's | seconds, mean | share |", "| --- | --- | --- |", *rows],
        f"Loading the data, once in a worker's life, took {spread([one.data_seconds for one in figures], 1, 's')}. "
        f"{machine_line(PACKAGES, n=len(trials), load=load, of='trials')} "
        "Made by `python -m benchmarks.overhead FER2013 --output`.",
    )


if __name__ == "__main__":
    main()
