"""Which worker computes on which GPU: a slot belongs to the database session that holds its advisory lock.

A session-level lock is free 0.05 s after the worker's SIGKILL, needs no clean-up, and holds for all studies of a
database. It is lost with the session: after a restart of the database every worker takes its own slot again, while new
workers wait a little. A proxy that pools transactions breaks it, as sessions are not the workers' own there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine

from automl.queue.budget import budget_status
from automl.queue.gpus import Gpu, gpus_meant
from automl.queue.heartbeat import Heartbeat
from automl.queue.recovery import GRACE_SECONDS
from automl.storage.retry import LOST_CONNECTION, OutageRetry
from automl.storage.sql_facts import seconds_between, worker_is_alive

KEEP_SECONDS = 2.0
"""How often a worker looks whether its session, and with it its slot, is still there."""
WAIT_SECONDS = 1.0
"""How often a worker without a slot asks for one."""
READMISSION_SECONDS = 20.0
"""After a restart of the database its workers have so long to take their slots again: KEEP_SECONDS and two connects."""

RESTART_SILENT_SECONDS = 900.0
"""Time without a heartbeat before a restart after which a worker has no slot to take again, in seconds."""

MUST_WAIT = text(
    f"""
    SELECT {seconds_between("pg_postmaster_start_time()", "clock_timestamp()")} < :seconds AND EXISTS (
        SELECT FROM automl_workers WHERE started_at < pg_postmaster_start_time()
        AND {worker_is_alive(at="pg_postmaster_start_time()")})
    """
)
TAKE = text("SELECT pg_try_advisory_lock(:key)")


def slot_key(gpu: Gpu, slot: int) -> int:
    """The 64-bit key of a slot's lock, the same on every machine that sees this GPU."""
    digest = hashlib.sha256(f"automl gpu {gpu.uuid} slot {slot}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


class GpuClaim:
    """At most one slot of one GPU, kept while the block runs; a context manager.

    It keeps one connection of the engine for itself.
    """

    def __init__(
        self,
        engine: Engine,
        gpus: Sequence[Gpu],
        *,
        slots: int,
        warn: Callable[[str], None],
        keep_seconds: float = KEEP_SECONDS,
        readmission_seconds: float = READMISSION_SECONDS,
    ) -> None:
        """Nothing is locked yet. `slots`: how many workers may share a GPU."""
        self._engine = engine
        # The first slot of every GPU before the second of any.
        self._slots = [(slot_key(gpu, slot), gpu) for slot in range(slots) for gpu in gpus]
        self._warn = warn
        self._keep_seconds = keep_seconds
        self._readmission_seconds = readmission_seconds
        self._connection: Connection | None = None
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep_until_ended, name="gpu claim", daemon=True)
        self._key = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._keeper.is_alive():
            self._keeper.join()
        self._drop_connection()

    def take(self) -> Gpu | None:
        """Take a free slot and keep it; None if there is none, or if workers from before a restart go first.

        Raises: one of LOST_CONNECTION if the database is away; the next call asks on a new connection.
        """
        try:
            found = self._first_free()
        except LOST_CONNECTION:
            self._drop_connection()
            raise
        if found is None:
            return None
        self._key, gpu = found
        self._keeper.start()
        return gpu

    def _first_free(self) -> tuple[int, Gpu] | None:
        connection = self._session()
        wait = {"seconds": self._readmission_seconds, "silent_seconds": RESTART_SILENT_SECONDS}
        if connection.scalar(MUST_WAIT, wait):
            return None
        return next(((key, gpu) for key, gpu in self._slots if connection.scalar(TAKE, {"key": key})), None)

    def _keep_until_ended(self) -> None:
        shared = False
        while not self._ended.wait(self._keep_seconds):
            try:
                held = self._keep()
            except LOST_CONNECTION:
                # The worker's own calls say that the database is away, and decide when to give up.
                self._drop_connection()
                continue
            if not held and not shared:
                self._warn("Another worker took this one's slot on its GPU while the database was out of reach.")
            shared = not held

    def _keep(self) -> bool:
        """Whether the slot is this worker's, after taking it again on a new connection if the session was lost."""
        if self._connection is not None:
            self._connection.scalar(text("SELECT 1"))  # the session lives, and so does its lock
            return True
        if self._session().scalar(TAKE, {"key": self._key}):
            return True
        self._drop_connection()
        return False

    def _session(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()  # a lock would stay with a session that goes back to the pool
            self._connection.close()
            self._connection = None


@contextmanager
def claimed_device(
    asked: str,
    engine: Engine,
    *,
    study_id: int,
    slots: int,
    retry: OutageRetry,
    stop_event: threading.Event,
    log: Callable[[str], None],
    grace_seconds: float = GRACE_SECONDS,
) -> Iterator[str | None]:
    """The device to compute on for the duration of the block; None if the search ended before a GPU was free.

    `asked` itself where it leaves no GPU to be chosen. A worker that waits is one of the study's workers: `status`
    shows it, and it finds the lost trials of others, silent for `grace_seconds`.
    """
    gpus = gpus_meant(asked)
    if not gpus:
        yield asked
        return
    with GpuClaim(engine, gpus, slots=slots, warn=log) as claim:
        gpu = retry.retry_until_available(claim.take) or _wait_for_slot(
            claim,
            engine,
            what=f"{len(gpus)} × {slots}",
            study_id=study_id,
            retry=retry,
            stop_event=stop_event,
            log=log,
            grace_seconds=grace_seconds,
        )
        yield None if gpu is None else gpu.device


def _wait_for_slot(
    claim: GpuClaim,
    engine: Engine,
    *,
    what: str,
    study_id: int,
    retry: OutageRetry,
    stop_event: threading.Event,
    log: Callable[[str], None],
    grace_seconds: float,
) -> Gpu | None:
    log(f"All GPU slots ({what}) are taken: waiting for one. AUTOML_WORKERS_PER_GPU says how many share a GPU.")
    with ExitStack() as alive:
        device = f"waiting for one of {what} GPU slots"
        beat = Heartbeat(engine, study_id=study_id, device=device, warn=log, grace_seconds=grace_seconds, retry=retry)
        retry.retry_until_available(lambda: alive.enter_context(beat))
        while not (stop_event.wait(WAIT_SECONDS) or beat.stop_requested() or beat.out_of_time()):
            try:
                with engine.connect() as connection:
                    if budget_status(connection, study_id).trials_used_up:
                        return None
                gpu = claim.take()
            except LOST_CONNECTION:
                continue  # it holds nothing that could be lost, and asks again in a second
            if gpu is not None:
                return gpu
    return None
