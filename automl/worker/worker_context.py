"""What all trials of one worker share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import optuna
import torch
from sqlalchemy.engine import Engine

from automl.artifacts.store import ArtifactStore
from automl.data.dataset import DataSet
from automl.models.building import Builder
from automl.storage.optuna_internals import FastStorage
from automl.storage.retry import OutageRetry
from automl.study.record import StudyRecord
from automl.worker.publisher import TrialPublisher
from automl.worker.trial_plan import TrialLimits


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
    log: Callable[[str], None]
