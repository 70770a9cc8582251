"""Of trials with equal values the oldest one is the best, wherever somebody looks."""

from __future__ import annotations

import json
from collections.abc import Iterable
from wsgiref.util import setup_testing_defaults

import optuna
import pytest
from optuna.trial import TrialState
from optuna_dashboard import get_note, wsgi
from sqlalchemy import text

from automl.confirmation.best_trials import best_trials
from automl.confirmation.confirmed import choose_best
from automl.results.best import equals_of, find_best
from automl.results.note_writing import write_study_note
from automl.results.studies import list_studies
from automl.storage.attributes import RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage
from automl.study.record import StudyRecord
from tests.studies import MakeStudy

BEST, EQUALS = 1, (2, 4)
VALUES = (0.3, 0.7, 0.7, 0.5, 0.7)


@pytest.fixture(params=["accuracy", "loss"])
def record(request: pytest.FixtureRequest, make_study: MakeStudy) -> StudyRecord:
    return make_study(metric=request.param)


@pytest.fixture
def study(record: StudyRecord, storage: FastStorage, database: Database) -> optuna.Study:
    """A study whose best trials were told in reverse, and are stored in that order."""
    study = optuna.load_study(study_name=record.name, storage=storage)
    trials = [study.ask() for _ in VALUES]
    sign = 1 if record.specification.metric == "accuracy" else -1
    for trial, value in reversed(list(zip(trials, VALUES, strict=True))):
        trial.set_user_attr(RECIPE_ATTRIBUTE, {})
        study.tell(trial, sign * value)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))  # now PostgreSQL reads the values in the order that they lie in
    return study


def test_every_answer_names_the_oldest(record: StudyRecord, study: optuna.Study, database: Database) -> None:
    with database.engine.connect() as connection:
        found = find_best(connection, record)
        assert found is not None
        assert found.number == BEST
        assert choose_best(connection, record).trial.number == BEST
        assert [trial.number for trial in best_trials(connection, record, 3)] == [BEST, *EQUALS]
        assert equals_of(connection, record, BEST) == EQUALS
        assert [study.best for study in list_studies(connection)] == [found.value]
    assert study.best_trial.number == BEST


def test_dashboard_shows_the_same_and_its_note_names_the_others(
    record: StudyRecord, study: optuna.Study, storage: FastStorage, database: Database
) -> None:
    with database.engine.begin() as connection:
        write_study_note(connection, record)
    detail = answer(storage, f"/api/studies/{record.study_id}")
    assert [trial["number"] for trial in detail["best_trials"]] == [BEST]
    sentence = ". Trials 2, 4 reached the same value; of equal trials the oldest is the best\n"
    assert sentence in get_note(study)


def test_study_without_a_complete_trial_has_no_best_one(record: StudyRecord, storage: FastStorage) -> None:
    study = optuna.load_study(study_name=record.name, storage=storage)
    study.tell(study.ask(), state=TrialState.FAIL)
    with pytest.raises(ValueError, match="No trials are completed yet"):
        _ = study.best_trial


def answer(storage: FastStorage, path: str) -> dict[str, list[dict[str, int]]]:
    """What optuna-dashboard says of a study, without a server."""
    environment: dict[str, object] = {"QUERY_STRING": "after=0"}
    setup_testing_defaults(environment)
    environment["PATH_INFO"] = path

    def start(status: str, _headers: Iterable[tuple[str, str]], _error: object = None) -> None:
        assert status == "200 OK"

    body = b"".join(wsgi(storage)(environment, start))
    found: dict[str, list[dict[str, int]]] = json.loads(body)
    return found
