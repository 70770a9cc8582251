from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy
from sqlalchemy import text

from automl.queue.gpu_slots import GpuClaim, claimed_device, slot_key
from automl.queue.gpus import Gpu
from automl.queue.heartbeat import Heartbeat
from automl.storage.database import Database
from automl.storage.retry import OutageRetry
from tests.studies import MakeStudy

RETRY = OutageRetry(outage_seconds=60, warn=print)
GPUS = [Gpu(0, "aaaa"), Gpu(1, "bbbb")]
HOLDER = """
import sys, time, sqlalchemy
from automl.queue.gpus import Gpu
from automl.queue.gpu_slots import GpuClaim
claim = GpuClaim(sqlalchemy.create_engine(sys.argv[1]), [Gpu(0, "aaaa")], slots=1, warn=print)
print(claim.take(), flush=True)
time.sleep(600)
"""


@contextlib.contextmanager
def claiming(database: Database, gpus: list[Gpu] = GPUS, *, slots: int = 1, **times: float) -> Iterator[GpuClaim]:
    """A claim on connections of its own, as another process would have them."""
    engine = sqlalchemy.create_engine(database.url)
    with GpuClaim(engine, gpus, slots=slots, warn=lambda _: None, **times) as claim:
        yield claim
    engine.dispose()


def wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def holders(database: Database, gpu: Gpu, *, slot: int = 0) -> list[int]:
    """Process numbers of the sessions that hold a slot."""
    key = slot_key(gpu, slot) % 2**64
    with database.engine.connect() as connection:
        return list(
            connection.scalars(
                text(
                    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
                    "AND CAST(CAST(classid AS bigint) AS text) = :high AND CAST(CAST(objid AS bigint) AS text) = :low "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                ),
                {"high": str(key >> 32), "low": str(key % 2**32)},
            )
        )


def test_every_gpu_is_taken_once_before_any_is_taken_twice(database: Database) -> None:
    with contextlib.ExitStack() as stack:
        claims = [stack.enter_context(claiming(database, slots=2)) for _ in range(5)]
        assert [claim.take() for claim in claims] == [GPUS[0], GPUS[1], GPUS[0], GPUS[1], None]


def test_the_place_of_a_killed_worker_is_free_at_once(database: Database) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, database.url], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert "aaaa" in holder.stdout.readline()
    with claiming(database, GPUS[:1]) as claim:
        assert claim.take() is None
        holder.kill()
        killed = time.monotonic()
        wait_until(lambda: claim.take() is not None)
        assert time.monotonic() - killed < 2
    holder.wait()
    holder.stdout.close()


def test_a_worker_that_ends_leaves_its_place_and_no_lock(database: Database) -> None:
    with claiming(database) as claim:
        claim.take()
        assert len(holders(database, GPUS[0])) == 1
    wait_until(lambda: holders(database, GPUS[0]) == [])


def test_a_worker_whose_session_the_database_ended_takes_its_place_again(database: Database) -> None:
    with claiming(database, keep_seconds=0.05) as claim:
        assert claim.take() == GPUS[0]
        before = holders(database, GPUS[0])
        with database.engine.begin() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": before[0]})
        wait_until(lambda: len(holders(database, GPUS[0])) == 1 and holders(database, GPUS[0]) != before)


def test_a_worker_warns_once_when_its_slot_was_taken_and_takes_it_when_it_is_free(database: Database) -> None:
    said: list[str] = []
    engine = sqlalchemy.create_engine(database.url)
    with GpuClaim(engine, GPUS[:1], slots=1, warn=said.append, keep_seconds=0.05) as claim:
        claim.take()
        own = holders(database, GPUS[0])
        with engine.connect() as thief:
            take = threading.Thread(
                target=thief.scalar, args=(text(f"SELECT pg_advisory_lock({slot_key(GPUS[0], 0)})"),)
            )
            take.start()  # next in the queue of the lock
            wait_until(lambda: waiting_for_locks(database) == 1)
            with database.engine.begin() as connection:
                connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own[0]})
            take.join()
            wait_until(lambda: said != [])
            time.sleep(0.5)  # for ten more looks
            thief.invalidate()
        wait_until(lambda: len(holders(database, GPUS[0])) == 1)
    engine.dispose()
    assert said == ["Another worker took this one's slot on its GPU while the database was out of reach."]


def waiting_for_locks(database: Database) -> int:
    with database.engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")) or 0)


def test_after_a_restart_newcomers_wait_for_workers_that_were_there_before(
    database: Database, make_study: MakeStudy
) -> None:
    record = make_study()
    with claiming(database, readmission_seconds=3600) as first:
        assert first.take() == GPUS[0]  # a server that has just started, without any worker from before
    with database.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO automl_workers (study_id, ordinal, host, pid, device, started_at, beat_at) "
                "SELECT :study_id, 0, 'h', 1, 'cuda:0', pg_postmaster_start_time() - interval '1 hour', "
                "pg_postmaster_start_time() - interval '5 seconds'"
            ),
            {"study_id": record.study_id},
        )
    with claiming(database, readmission_seconds=3600) as newcomer:
        assert newcomer.take() is None
    with claiming(database, readmission_seconds=0) as newcomer:
        assert newcomer.take() == GPUS[0]


def test_a_device_that_leaves_no_choice_is_not_claimed(database: Database, make_study: MakeStudy) -> None:
    record = make_study()
    with claimed_device(
        "cpu",
        database.engine,
        study_id=record.study_id,
        slots=1,
        retry=RETRY,
        stop_event=threading.Event(),
        log=lambda _: None,
    ) as device:
        assert device == "cpu"


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """This machine may have no GPU: only the answer to which there are is made up, and nothing computes on them."""
    monkeypatch.setattr("automl.queue.gpu_slots.gpus_meant", lambda _asked: GPUS[:1])
    return GPUS[0]


def test_a_worker_without_a_place_waits_is_seen_and_goes_on_when_one_is_free(
    database: Database, make_study: MakeStudy, one_gpu: Gpu
) -> None:
    record = make_study()
    got: list[str | None] = []

    def wait_for_place() -> None:
        with claimed_device(
            "auto",
            database.engine,
            study_id=record.study_id,
            slots=1,
            retry=RETRY,
            stop_event=threading.Event(),
            log=lambda _: None,
        ) as device:
            got.append(device)

    waiter = threading.Thread(target=wait_for_place)
    with claiming(database, [one_gpu]) as claim:
        claim.take()
        waiter.start()
        wait_until(lambda: devices_at_work(database) == ["waiting for one of 1 × 1 GPU slots"])
        assert got == []
    waiter.join(20)
    assert got == ["cuda:0"]
    assert devices_at_work(database) == []


def test_a_waiting_worker_ends_with_the_budget(database: Database, make_study: MakeStudy, one_gpu: Gpu) -> None:
    record = make_study(trials=1)
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO trials (number, study_id, state) VALUES (0, :study_id, 'COMPLETE')"),
            {"study_id": record.study_id},
        )
    with claiming(database, [one_gpu]) as claim:
        claim.take()
        with claimed_device(
            "auto",
            database.engine,
            study_id=record.study_id,
            slots=1,
            retry=RETRY,
            stop_event=threading.Event(),
            log=lambda _: None,
        ) as device:
            assert device is None


def test_a_waiting_worker_finds_lost_trials_after_the_grace_time_that_was_set(
    database: Database, make_study: MakeStudy, one_gpu: Gpu
) -> None:
    record, stop_event = make_study(), threading.Event()
    with database.engine.begin() as connection:
        connection.execute(
            text(
                """
                WITH worker AS (INSERT INTO automl_workers (study_id, ordinal, host, pid, device, beat_at)
                        VALUES (:study, 0, 'elsewhere', 1, 'cpu', now() - interval '10 seconds') RETURNING worker_id),
                    trial AS (INSERT INTO trials (study_id, number, state)
                        VALUES (:study, 0, 'RUNNING') RETURNING trial_id)
                INSERT INTO automl_trials (trial_id, worker_id) SELECT trial_id, worker_id FROM trial, worker
                """
            ),
            {"study": record.study_id},
        )

    def wait_for_place() -> None:
        with claimed_device(
            "auto",
            database.engine,
            study_id=record.study_id,
            slots=1,
            retry=RETRY,
            stop_event=stop_event,
            log=lambda _: None,
            grace_seconds=1,
        ) as device:
            assert device is None

    waiter = threading.Thread(target=wait_for_place)
    with claiming(database, [one_gpu]) as claim:
        claim.take()
        waiter.start()
        try:
            wait_until(lambda: states(database) == ["WAITING"])
        finally:
            stop_event.set()
            waiter.join()


def states(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT CAST(state AS text) FROM trials ORDER BY number")))


def devices_at_work(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return list(connection.scalars(text("SELECT device FROM automl_workers WHERE ended_at IS NULL")))


def test_the_search_is_over_when_its_budget_is_used_and_no_worker_is_left(
    database: Database, make_study: MakeStudy
) -> None:
    from automl.queue.study_end import is_study_finished

    record = make_study(trials=1)

    def over() -> bool:
        with database.engine.connect() as connection:
            return is_study_finished(connection, record.study_id)

    assert not over()
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO trials (number, study_id, state) VALUES (0, :study_id, 'COMPLETE')"),
            {"study_id": record.study_id},
        )
    with Heartbeat(database.engine, study_id=record.study_id, device="cpu", warn=lambda _: None):
        assert not over()
    assert over()
