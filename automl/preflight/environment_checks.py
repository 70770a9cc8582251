"""Environment checks before a search begins: database, artifacts, disk, wandb, device."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from sqlalchemy import text

from automl.artifacts.store import ArtifactStore, check_writable
from automl.errors import AutomlError, StorageError
from automl.masking import mask
from automl.storage.database import open_database
from automl.storage.schema_creation import create_schema
from automl.tracking.wandb_mode import choose_mode
from automl.training.device import choose_precision, describe
from automl.worker.pull_loop import choose_worker_device

STATES_A_CHECKPOINT = 5
"""Number of states in a checkpoint: the weights, Adam's two moments, the average and the best weights."""
FLOAT32_BYTES = 4
LEAST_FREE_BYTES = 200 * 2**20
"""Space, in bytes, for the database and wandb's files of a search of some hundred trials."""


@dataclass(frozen=True)
class Finding:
    """Result of one check."""

    name: str
    text: str
    """Description of what was found, or of the problem."""
    is_fine: bool = True


def check_storage(url: str | None, *, home: Path) -> Finding:
    """Check that the database starts or answers, and that the tables can be created."""
    started = time.perf_counter()
    try:
        with open_database(url, home=home) as database:
            create_schema(database)
            with database.engine.connect() as connection:
                version = connection.scalar(text("SHOW server_version"))
    except AutomlError as error:
        return Finding("storage", str(error), is_fine=False)
    where = f"at {mask(url)}" if url else f"embedded in {home}"
    return Finding("storage", f"PostgreSQL {version} {where}, {time.perf_counter() - started:.1f} s to open")


def check_artifacts(artifacts: ArtifactStore) -> Finding:
    """Check that the artifacts can be written."""
    try:
        check_writable(artifacts)
    except OSError as error:
        advice = "Make it writable, or set --artifacts (AUTOML_ARTIFACTS) to another folder."
        return Finding("artifacts", f"Cannot write to {artifacts.address}: {error.strerror}. {advice}", is_fine=False)
    except StorageError as error:
        return Finding("artifacts", str(error), is_fine=False)
    return Finding("artifacts", f"{artifacts.address} can be written")


def check_disk(folder: Path, *, parameters: int, models: int, workers: int) -> Finding:
    """Check the space for `models` models of `parameters` parameters, and for a checkpoint of each worker."""
    needed_bytes = LEAST_FREE_BYTES + FLOAT32_BYTES * parameters * (models + STATES_A_CHECKPOINT * workers)
    free_bytes = shutil.disk_usage(folder).free
    sizes = f"{free_bytes / 1e9:.1f} GB free in {folder}, up to {needed_bytes / 1e9:.1f} GB needed"
    if free_bytes < needed_bytes:
        advice = "Free some, or set --artifacts (AUTOML_ARTIFACTS) to another disk."
        return Finding("disk", f"Too little space for weights and checkpoints: {sizes}. {advice}", is_fine=False)
    return Finding("disk", sizes)


def check_wandb(environment: Mapping[str, str], *, home: Path) -> Finding:
    """Check where wandb's runs will go."""
    try:
        mode = choose_mode(environment)
    except AutomlError as error:
        return Finding("wandb", str(error), is_fine=False)
    runs = {"online": "runs are uploaded", "offline": f"runs stay in {home / 'wandb'}", "disabled": "no runs are kept"}
    return Finding("wandb", f"{mode}: {runs[mode]}")


def check_device(asked: str, image_shape: tuple[int, int, int]) -> tuple[torch.device, Finding]:
    """Check the device of the first worker. An idle GPU is a problem unless another device is asked for.

    Raises: TrainingError if the device that was asked for is not there.
    """
    device, unused_gpu = choose_worker_device(asked)
    line = describe(device, choose_precision(device, image_shape))
    if not unused_gpu:
        return device, Finding("device", line)
    return device, Finding("device", f"{unused_gpu[0]} To compute on the CPU: --device cpu", is_fine=False)
