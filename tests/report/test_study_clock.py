from __future__ import annotations

from datetime import UTC, datetime, timedelta

from automl.queue.heartbeat import Heartbeat
from automl.report.study_clock import StudyClock, merged, read_clock
from automl.storage.database import Database
from tests.studies import MakeStudy

NOON = datetime(2026, 11, 28, 12)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_clock_stands_while_no_worker_is_there() -> None:
    stretches = merged([(at(0), at(100)), (at(50), at(60)), (at(110), at(120)), (at(1000), at(1100))])
    assert stretches == ((at(0), at(120)), (at(1000), at(1100)))
    clock = StudyClock(230.0, stretches)  # ten seconds went before the first worker
    assert [clock.seconds_at(at(seconds)) for seconds in (-50, 0, 100, 120, 600, 1050, 1100)] == [
        *(10, 10, 110, 130, 130, 180, 230)
    ]


def test_clock_is_put_together_from_the_workers(database: Database, make_study: MakeStudy) -> None:
    record = make_study()
    with database.engine.connect() as connection:
        assert read_clock(connection, record, active_seconds=0) is None
    with Heartbeat(database.engine, study_id=record.study_id, device="cpu", warn=print):
        pass
    with database.engine.connect() as connection:
        clock = read_clock(connection, record, active_seconds=5.0)
    assert clock is not None
    assert clock.seconds_at(datetime.now(UTC).replace(tzinfo=None)) == 5.0
