"""One worker of benchmarks/scale.py: trials whose training is a made-up curve, and all the rest is real.

`ours` is `automl.worker.pull_loop.Worker` itself. `stock` is the loop of Optuna's own tutorial: ask, report,
should_prune, tell, on RDBStorage with MedianPruner, the same space and the same TPE settings.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import torch
from optuna.storages import RDBStorage
from optuna.trial import TrialState

import automl.worker.trial
from automl.artifacts.store import FolderStore
from automl.data.batches.normalization import Normalization
from automl.errors import TrainingInterrupted
from automl.metrics import EpochResult
from automl.recipe import Recipe
from automl.storage.database import open_database
from automl.storage.optuna_storage import open_storage
from automl.study.record import StudyRecord, find_study
from automl.tracking.wandb_runs import RunTracker
from automl.training.evaluation.predictions import Predictions
from automl.worker.pull_loop import Worker
from automl.worker.recorder import TrialRecorder
from automl.worker.strategies.samplers import build_sampler
from automl.worker.trial import TrialRun
from benchmarks.seeding import curve

STUDY = "full"
STARTUP_TRIALS, WARMUP_EPOCHS = 5, 3
Figures = dict[str, list[float]]
"""Seconds of each call by its name."""


class Stopwatch:
    """Calls by name, with their end and their seconds, from the moment that all workers have begun."""

    def __init__(self, barrier: threading.Barrier, *, seconds: float, end: Callable[[], None]) -> None:
        self._barrier, self._seconds, self._end = barrier, seconds, end
        self._calls: list[tuple[str, float, float]] = []
        self._began: float | None = None

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, measured; after the first draw it waits for the other workers, and then the time runs."""

        def measured(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            result = call(*arguments, **options)
            ended = time.perf_counter()
            self._calls.append((name, ended, ended - began))
            if name == "draw" and self._began is None:
                self._barrier.wait()
                self._began = time.perf_counter()
                threading.Timer(self._seconds, self._end).start()
            return result

        return measured

    def figures(self) -> Figures:
        """Seconds of each ask (claim, open, draw), report with the decision after it, and finish (weights, end)."""
        assert self._began is not None
        asked = reported = kept = 0.0
        figures: Figures = {"ask": [], "report": [], "prune": [], "report and prune": [], "finish": []}
        for name, ended, seconds in self._calls:
            asked = asked + seconds if name in ("claim", "open", "draw") else 0.0
            reported = seconds if name == "report" else reported
            kept = seconds if name == "weights" else kept if name == "finish" else 0.0
            if not self._began < ended <= self._began + self._seconds:
                continue
            if name == "draw":
                figures["ask"].append(asked)
                asked = 0.0
            elif name in figures:
                figures[name].append(seconds + (kept if name == "finish" else 0.0))
            if name == "prune":
                figures["report and prune"].append(reported + seconds)
        return figures


class StubTraining:
    """Stands in for automl.training.loop.Training: a curve instead of a network."""

    parameters = 100_000
    normalization = Normalization((0.5,), (0.5,))
    best_confusion_KK = None
    learner = SimpleNamespace(eval_model=torch.nn.Identity())
    device = torch.device("cpu")

    def __init__(self, recipe: Recipe, *_: object, interrupted: Callable[[], bool], **__: object) -> None:
        self.recipe, self.interrupted = recipe, interrupted
        self.next_epoch = 0
        self.best_value = 0.0
        self.best_weights = {"weights": torch.zeros(1)}

    def epochs(self) -> Iterator[EpochResult]:
        """One made-up epoch after another, at once."""
        for result in curve(random.Random(self.recipe.seed), epochs=self.recipe.epochs)[self.next_epoch :]:
            if self.interrupted():
                raise TrainingInterrupted("Interrupted.")
            self.next_epoch = result.epoch + 1
            self.best_value = max(self.best_value, result.validation_accuracy)
            yield result

    def predictions(self) -> Predictions:
        """Of one image and two classes."""
        return Predictions.of(np.zeros(1, np.int64), torch.zeros(1, 2), torch.zeros(1, 2))

    def state(self) -> dict[str, Any]:
        """As little as can be resumed."""
        return {"next_epoch": self.next_epoch, "best_value": self.best_value}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue after the state's last epoch."""
        self.next_epoch, self.best_value = state["next_epoch"], state["best_value"]


def work_ours(url: str, home: Path, barrier: threading.Barrier, seconds: float) -> Figures:
    """Run our worker until `seconds` after all have drawn their first recipe."""
    told = threading.Event()
    watch = Stopwatch(barrier, seconds=seconds, end=told.set)
    # What is measured are the worker's own steps, in place.
    for owner, attribute, name in (
        (Worker, "_next_claim", "claim"),
        (TrialRecorder, "open", "open"),
        (TrialRecorder, "draw_recipe", "draw"),
        (TrialRecorder, "_report_pending", "report"),
        (optuna.Trial, "should_prune", "prune"),
        (TrialRun, "_keep_weights", "weights"),
        (TrialRun, "_end", "finish"),
    ):
        setattr(owner, attribute, watch.timed(name, getattr(owner, attribute)))
    setattr(automl.worker.trial, "Training", StubTraining)  # noqa: B010 - for mypy a class of the same name
    with open_database(url, home=home) as database:
        with database.engine.connect() as connection:
            record = find_study(connection, STUDY)
        Worker(
            database,
            record,
            home=home,
            artifacts=FolderStore(home / "artifacts"),
            tracker=RunTracker(folder=home, study=STUDY, study_uid=STUDY, mode="disabled", warn=print),
            write_model=lambda *_: None,
            stop_event=told,
            device="cpu",
            threads=1,
            outage_seconds=60,
            log=lambda _: None,
        ).run()
    return watch.figures()


def work_stock(url: str, home: Path, barrier: threading.Barrier, seconds: float) -> Figures:
    """Run Optuna's own loop until `seconds` after all have drawn their first recipe."""
    told = threading.Event()
    watch = Stopwatch(barrier, seconds=seconds, end=told.set)
    with open_database(url, home=home) as database, database.engine.connect() as connection:
        space = find_study(connection, STUDY).specification.space
    pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, WARMUP_EPOCHS)
    sampler = build_sampler("tpe", seed=os.getpid())
    study = optuna.load_study(study_name=STUDY, storage=RDBStorage(url), sampler=sampler, pruner=pruner)
    while not told.is_set():
        trial = watch.timed("claim", study.ask)()
        recipe = watch.timed("draw", space.suggest)(trial, seed=trial.number)
        watch.timed("finish", study.tell)(trial, **_trained(trial, recipe, watch))
    return watch.figures()


def _trained(trial: optuna.Trial, recipe: Recipe, watch: Stopwatch) -> dict[str, Any]:
    best = 0.0
    for result in curve(random.Random(recipe.seed), epochs=recipe.epochs):
        best = max(best, result.validation_accuracy)
        watch.timed("report", trial.report)(result.validation_accuracy, result.epoch)
        if result.epoch + 1 < recipe.epochs and watch.timed("prune", trial.should_prune)():
            return {"state": TrialState.PRUNED}
    return {"values": best}


def join_ours(url: str, home: Path) -> tuple[float, dict[str, Any]]:
    """Seconds from opening the storage to a drawn recipe, and its parameters."""
    with open_database(url, home=home) as database:
        with database.engine.connect() as connection:
            record = find_study(connection, STUDY)
        return _join(lambda: open_storage(database), record)


def join_stock(url: str, home: Path) -> tuple[float, dict[str, Any]]:
    """The same with Optuna's own storage."""
    with open_database(url, home=home) as database, database.engine.connect() as connection:
        record = find_study(connection, STUDY)
    return _join(lambda: RDBStorage(url), record)


def _join(open_it: Callable[[], RDBStorage], record: StudyRecord) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    study = optuna.load_study(study_name=STUDY, storage=open_it(), sampler=build_sampler("tpe", seed=3))
    trial = study.ask()
    record.specification.space.suggest(trial, seed=0)
    seconds = time.perf_counter() - began
    study.tell(trial, state=TrialState.FAIL)
    return seconds, trial.params
