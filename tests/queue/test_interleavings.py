"""Two workers at once, one of them stopped at a named point of its transaction."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from optuna.trial import TrialState
from sqlalchemy import text

from automl.errors import LeaseLostError
from automl.queue.claims import Claim, fence
from automl.queue.enqueuing import enqueue_trial
from automl.queue.recovery import MAX_ATTEMPTS, requeue
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage
from automl.worker.epoch_reports import report_end, report_epoch
from automl.worker.outcomes import Outcome
from tests.queue.claims_machine import epoch_result
from tests.queue.named_points import stopped_before, stopped_inside
from tests.queue.test_claims import Scene
from tests.studies import MakeStudy

CLAIM_OF_STATEMENT = "trial_id = %(trial_id)s"


@pytest.fixture
def scene(database: Database, storage: FastStorage, make_study: MakeStudy) -> Scene:
    """A study whose one trial waits."""
    return Scene(database, storage, make_study(trials=2))


def refused(answer: Future[None], claim: Claim) -> None:
    with pytest.raises(LeaseLostError, match=re.escape(f"Trial {claim.number} was reassigned to another worker")):
        answer.result()


def test_two_workers_that_claim_at_once_get_different_trials(scene: Scene, storage: FastStorage) -> None:
    first, second = scene.worker(), scene.worker()
    with stopped_before("INSERT INTO automl_trials", scene.engine, lambda: scene.take(first)) as answer:
        assert enqueue_trial(storage, scene.study, [], exhaustive=False)
        assert scene.take(second).number == 1
        assert scene.recover() == []
    assert answer.result().number == 0


def test_two_workers_that_enqueue_at_once_keep_to_the_budget(scene: Scene, storage: FastStorage) -> None:
    def enqueue() -> bool:
        return enqueue_trial(storage, scene.study, [], exhaustive=False)

    with (
        ThreadPoolExecutor(1) as other,
        stopped_before("INSERT INTO trials", scene.engine, enqueue) as first,
    ):
        second = other.submit(enqueue)
        with scene.engine.connect() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            while not connection.scalar(waiting):
                assert not second.done(), "the second worker counted while the first one was adding"
    assert (first.result(), second.result()) == (True, False)
    assert len(scene.study.get_trials()) == 2


def test_a_worker_inside_its_fence_is_not_recovered(scene: Scene) -> None:
    claim = scene.take(scene.worker(ended=True))

    def write() -> None:
        with fence(scene.engine, claim) as connection:
            connection.execute(text("UPDATE automl_trials SET epochs = 7"))

    with stopped_before("SET epochs", scene.engine, write) as answer:
        assert scene.recover() == []
    assert answer.result() is None
    assert scene.recover() == [0]


def test_an_epoch_that_was_under_way_when_its_trial_was_reassigned_is_refused(scene: Scene) -> None:
    claim = scene.take(scene.worker(ended=True))

    def report() -> None:
        with scene.engine.begin() as connection:
            report_epoch(connection, claim, epoch_result(0), 0.5, is_news=True)

    with stopped_inside(CLAIM_OF_STATEMENT, scene.engine, report) as answer:
        assert scene.recover() == [0]
        scene.take(scene.worker())
    refused(answer, claim)
    with scene.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM automl_epochs")) == 0


def test_an_end_that_was_under_way_when_its_trial_was_reassigned_is_refused(scene: Scene) -> None:
    claim = scene.take(scene.worker(ended=True))
    with stopped_inside(CLAIM_OF_STATEMENT, scene.engine, lambda: complete(scene, claim)) as answer:
        assert scene.recover() == [0]
        scene.take(scene.worker())
    refused(answer, claim)
    assert scene.state() == TrialState.RUNNING


def test_a_trial_that_ends_while_it_is_looked_for_keeps_its_end_and_its_files(scene: Scene) -> None:
    for _ in range(MAX_ATTEMPTS - 1):
        scene.take(scene.worker(ended=True))
        scene.recover()
    claim = scene.take(scene.worker(ended=True))
    with stopped_inside("trials.study_id = %(study_id)s", scene.engine, scene.recover) as answer:
        complete(scene, claim)
    assert answer.result() == []
    (trial,) = scene.study.get_trials()
    assert trial.state == TrialState.COMPLETE
    assert "artifacts:weights" in trial.system_attrs


def test_a_trial_that_is_handed_back_while_it_is_looked_for_loses_no_worker(scene: Scene) -> None:
    claim = scene.take(scene.worker(ended=True))
    with (
        stopped_inside("trials.study_id = %(study_id)s", scene.engine, scene.recover) as answer,
        fence(scene.engine, claim) as connection,
    ):
        requeue(connection, claim.trial_id)
    assert answer.result() == []
    with scene.engine.connect() as connection:
        assert tuple(connection.execute(text("SELECT attempt, lost FROM automl_trials")).one()) == (1, 0)


def complete(scene: Scene, claim: Claim) -> None:
    """Finish the trial with a file."""
    files = {"artifacts:weights": "{}"}
    with scene.engine.begin() as connection:
        outcome = Outcome("complete", 0.5)
        report_end(connection, claim, outcome, value=0.5, user_attributes={}, system_attributes=files)
