from __future__ import annotations

import optuna
import pytest
from optuna.storages import RDBStorage

from automl.report.importance import read_importances
from automl.storage.database import Database
from automl.study.record import StudyRecord
from tests.studies import MakeStudy, database, make_study, storage

__all__ = ["database", "make_study", "storage"]  # fixtures


def add_trials(storage: RDBStorage, record: StudyRecord, count: int, *, weight: float = 1.0) -> None:
    """Trials whose value is decided by the depth alone; `dropout` lives only where there is a depth."""
    study = optuna.load_study(study_name=record.name, storage=storage)
    study.sampler = optuna.samplers.RandomSampler(seed=1)
    for _ in range(count):
        trial = study.ask()
        depth = trial.suggest_int("depth", 0, 3)
        trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)
        if depth:
            trial.suggest_float("dropout.quantile", 0, 1)
        study.tell(trial, weight * depth)


def test_what_decides_comes_first_and_shares_add_up(
    database: Database, storage: RDBStorage, make_study: MakeStudy
) -> None:
    record = make_study()
    add_trials(storage, record, 30)
    found = read_importances(database, record)
    assert not isinstance(found, str)
    assert found[0].name == "depth"
    assert {one.name for one in found} == {"depth", "learning_rate", "dropout"}
    assert sum(one.share for one in found) == pytest.approx(1)
    assert found == read_importances(database, record)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_too_few_trials_are_said(database: Database, storage: RDBStorage, make_study: MakeStudy, count: int) -> None:
    record = make_study()
    add_trials(storage, record, count)
    assert read_importances(database, record) == f"This needs 10 complete trials, and the study has {count}."


def test_trials_that_are_all_equal_are_said(database: Database, storage: RDBStorage, make_study: MakeStudy) -> None:
    record = make_study()
    add_trials(storage, record, 12, weight=0.0)
    assert read_importances(database, record) == "No parameter sets the best trials apart from the others."
