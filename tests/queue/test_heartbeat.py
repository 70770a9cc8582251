from __future__ import annotations

import time

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import text

from automl.queue.claims import take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.queue.heartbeat import UNBROKEN_SECONDS, Heartbeat
from automl.queue.recovery import GRACE_SECONDS
from automl.queue.study_end import SILENT_SECONDS
from automl.storage.database import Database
from automl.storage.sql_facts import count_live_workers
from automl.study.record import StudyRecord
from tests.studies import MakeStudy

SHORT_GRACE = 1.0
"""Seconds; the tests' server may have started a moment ago."""


def worker(database: Database, record: StudyRecord, *, silent_seconds: float) -> int:
    with database.engine.begin() as connection:
        found = connection.scalar(
            text(
                "INSERT INTO automl_workers (study_id, ordinal, host, pid, device, beat_at) VALUES"
                " (:study, 0, 'elsewhere', 1, 'cpu', now() - make_interval(secs => :silent)) RETURNING worker_id"
            ),
            {"study": record.study_id, "silent": silent_seconds},
        )
    assert found is not None
    return int(found)


@pytest.mark.parametrize(
    ("own_silence", "expected"),
    [(2.0, ["Trial 0 lost its worker."]), (UNBROKEN_SECONDS + 1, []), (-3600, [])],
    ids=["heard all the time", "itself stopped or asleep", "the clock was set back"],
)
def test_only_who_was_heard_all_the_time_judges_others(
    database: Database, storage: RDBStorage, make_study: MakeStudy, own_silence: float, expected: list[str]
) -> None:
    record, said = make_study(), list[str]()
    _claim(database, storage, record, silent_seconds=2 * GRACE_SECONDS)
    beat = _judge(database, record, said, own_silence=own_silence)
    with database.engine.begin() as connection:
        beat._beat(connection)
    assert said == expected


def test_clock_set_back_makes_no_dead_worker_immortal(
    database: Database, storage: RDBStorage, make_study: MakeStudy
) -> None:
    """Its last heartbeat is an hour in the future, while the clock goes on."""
    record, said = make_study(), list[str]()
    _claim(database, storage, record, silent_seconds=-3600)
    with database.engine.begin() as connection:
        assert count_live_workers(connection, record.study_id, silent_seconds=SILENT_SECONDS) == 0
    beat = _judge(database, record, said, own_silence=2.0)
    with database.engine.begin() as connection:
        beat._beat(connection)
    assert said == ["Trial 0 lost its worker."]


def _claim(database: Database, storage: RDBStorage, record: StudyRecord, *, silent_seconds: float) -> None:
    study = optuna.load_study(study_name=record.name, storage=storage)
    assert enqueue_trial(storage, study, [], exhaustive=False)  # type: ignore[arg-type]
    with database.engine.begin() as connection:
        silent = worker(database, record, silent_seconds=silent_seconds)
        take_waiting(connection, study_id=record.study_id, worker_id=silent)


def _judge(database: Database, record: StudyRecord, said: list[str], *, own_silence: float) -> Heartbeat:
    beat = Heartbeat(
        database.engine, study_id=record.study_id, device="cpu", warn=said.append, grace_seconds=SHORT_GRACE
    )
    beat.worker_id = worker(database, record, silent_seconds=own_silence)
    beat._reached_since = time.monotonic() - 2 * GRACE_SECONDS
    return beat
