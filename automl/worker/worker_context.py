"""What all trials of one worker share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import optuna
import torch
from sqlalchemy.engine import Engine

from automl.artifacts.store import ArtifactStore
from automl.data.dataset import DataSet
from automl.models.building import Builder
from automl.queue.phase import StudyTime
from automl.storage.optuna_internals import FastStorage
from automl.storage.retry import OutageRetry
from automl.study.record import StudyRecord
from automl.worker.publisher import TrialPublisher
from automl.worker.watchdog import Watchdog

LEARNED_SHARE = 0.5
"""Weight of the newest trial in what a worker knows of its forecasts."""
MOST_CORRECTION = 3.0


@dataclass
class PaceCorrection:
    """How much longer real epochs of this worker take than their forecasts from a few steps."""

    factor: float = 1.0

    def learn(self, *, forecast: float, real: float) -> None:
        """Take a finished training into account: its forecast and its mean, both in seconds an epoch."""
        if forecast > 0 and real > 0:
            ratio = min(max(self.factor * real / forecast, 1 / MOST_CORRECTION), MOST_CORRECTION)
            self.factor += LEARNED_SHARE * (ratio - self.factor)


@dataclass(frozen=True, kw_only=True)
class TrialLimits:
    """What all trials of a worker ask about time and threads."""

    time: Callable[[], StudyTime | None] = lambda: None
    """The study's clock; None without a time budget, or where it only ends the search (a grid, a confirmation)."""
    out_of_time: Callable[[], bool] = lambda: False
    """Whether the study's time is used up, and nobody asked this worker to stop."""
    share: int | None = None
    """This worker's share of the cores, around which the fastest number of threads is measured; None: it is fixed."""
    alone: Callable[[], bool] = lambda: False
    """Whether no other worker of the study is at work on this machine."""
    correction: PaceCorrection = field(default_factory=PaceCorrection)


@dataclass(frozen=True, kw_only=True)
class WorkerContext:
    """What all trials of one worker share."""

    record: StudyRecord
    study: optuna.Study
    storage: FastStorage
    engine: Engine
    """The storage's connections."""
    retry: OutageRetry
    publisher: TrialPublisher
    data: DataSet
    build: Builder
    device: torch.device
    artifacts: ArtifactStore
    trial_seconds: Callable[[], float | None]
    """How long a trial may take, over all its attempts."""
    limits: TrialLimits
    interrupted: Callable[[], bool]
    stop_requested: Callable[[], bool]
    """Whether somebody asked this worker, or all of the study, to stop."""
    watchdog: Watchdog
    log: Callable[[str], None]
