"""Studies in a real database, for tests that need no training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from automl.data.identity import DataIdentity
from automl.spaces.file import load_space
from automl.storage.database import Database, open_database
from automl.storage.optuna_internals import FastStorage
from automl.storage.optuna_storage import open_storage
from automl.storage.schema_creation import create_schema
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.record import StudyRecord
from automl.study.specification import Specification

MakeStudy = Callable[..., StudyRecord]
SPACE = {
    "parameters": {
        "depth": {"min": 0, "max": 3},
        "learning_rate": {"min": 1e-4, "max": 1e-2, "distribution": "log_uniform_values"},
        "epochs": {"value": 4},
    }
}
SPECIFICATION = Specification(
    data=DataIdentity(
        name="faces", reference="/data/faces", fingerprint="0" * 64, class_names=("no", "yes"), image_shape=(1, 8, 8)
    ),
    space=load_space(SPACE),
    metric="accuracy",
    sampler="random",
    pruner="median",
    startup_trials=2,
    warmup_epochs=0,
    reduction_factor=3,
    seed=7,
    model=None,
    keep=2,
)


@pytest.fixture
def database(postgres_url: str, tmp_path: Path) -> Iterator[Database]:
    """An open database with all tables."""
    with open_database(postgres_url, home=tmp_path) as opened:
        create_schema(opened)
        yield opened


@pytest.fixture
def storage(database: Database) -> Iterator[FastStorage]:
    """Optuna's view of the database."""
    opened = open_storage(database)
    yield opened
    opened.remove_session()


@pytest.fixture
def make_study(database: Database) -> MakeStudy:
    """Creates or continues a study with changes to SPECIFICATION."""

    def make(
        name: str = "faces", *, trials: int | None = 10, seconds: float | None = None, **changes: object
    ) -> StudyRecord:
        specification = dataclasses.replace(SPECIFICATION, **changes)  # type: ignore[arg-type]
        return create_or_continue(database, name, specification, Budget(trials=trials, seconds=seconds))

    return make
