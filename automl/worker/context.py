"""What all trials of one worker share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna
import torch
from sqlalchemy.engine import Engine

from automl.artifacts.store import ArtifactStore
from automl.data.dataset import DataSet
from automl.models.building import Builder
from automl.storage.optuna_internals import FastStorage
from automl.storage.optuna_storage import Connectivity
from automl.study.study import StudyRecord
from automl.tracking.wandb_runs import RunTracker
from automl.training.device import Precision


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What all trials of one worker share."""

    record: StudyRecord
    study: optuna.Study
    storage: FastStorage
    engine: Engine
    connectivity: Connectivity
    data: DataSet
    build: Builder
    device: torch.device
    precision: Precision
    artifacts: ArtifactStore
    tracker: RunTracker
    write_model: Callable[[int, Path], None]
    """Writes the model of the trial of this number."""
    trial_seconds: Callable[[], float | None]
    """How long a trial may take, over all its attempts."""
    interrupted: Callable[[], bool]
    say: Callable[[str], None]
