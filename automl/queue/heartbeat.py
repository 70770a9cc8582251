"""A worker's heartbeat: shows that it lives, counts the search's time, requeues lost trials, sees a request to stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import NoResultFound

from automl.queue.budget import budget_status, count_active_seconds
from automl.queue.phase import StudyTime
from automl.queue.recovery import GRACE_SECONDS, recover_lost, this_host
from automl.storage.retry import LOST_CONNECTION, OutageRetry
from automl.storage.sql_facts import worker_is_alive

BEAT_SECONDS = 2.0
RECOVERY_SECONDS = 10.0
UNBROKEN_SECONDS = 3 * BEAT_SECONDS
"""A worker whose own heartbeats are further apart was stopped, asleep or cut off, and cannot judge others by theirs."""
BEAT = text(
    """
    WITH before AS (
        SELECT worker_id, beat_at AS last_heartbeat FROM automl_workers WHERE worker_id = :worker_id FOR UPDATE)
    UPDATE automl_workers AS workers SET beat_at = clock_timestamp() FROM before
    WHERE workers.worker_id = before.worker_id RETURNING extract(epoch FROM workers.beat_at - before.last_heartbeat)
    """
)


class Heartbeat:
    """A thread that beats while its worker lives; a context manager."""

    def __init__(
        self,
        engine: Engine,
        *,
        study_id: int,
        device: str,
        warn: Callable[[str], None],
        grace_seconds: float = GRACE_SECONDS,
        retry: OutageRetry | None = None,
    ) -> None:
        """Nothing is written before the block begins. `grace_seconds`: of the workers that this one finds silent.

        `retry`: the worker's, which is told when heartbeats find no database.
        """
        self._retry = retry
        self._grace_seconds = grace_seconds
        self._engine = engine
        self._study_id = study_id
        self._device = device
        self._warn = warn
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_ended, name="heartbeat", daemon=True)
        self._deadline: float | None = None
        self._budget_seconds: float | None = None
        self._trial_seconds: float | None = None
        self._reached_since = time.monotonic()
        self._recovered_at = 0.0
        self._stop_requested = False
        self.worker_id = 0
        self.worker_index = 0

    def __enter__(self) -> Self:
        with self._engine.begin() as connection:
            # One newcomer at a time: two workers of the same index would draw the same recipes.
            connection.execute(
                text("SELECT 1 FROM automl_studies WHERE study_id = :study_id FOR UPDATE"), {"study_id": self._study_id}
            )
            row = connection.execute(
                text(
                    """
                    INSERT INTO automl_workers (study_id, ordinal, host, pid, device)
                    SELECT :study_id, count(*), :host, :pid, :device FROM automl_workers WHERE study_id = :study_id
                    RETURNING worker_id, ordinal
                    """
                ),
                {"study_id": self._study_id, "host": this_host(), "pid": os.getpid(), "device": self._device},
            ).one()
            self.worker_id, self.worker_index = row.worker_id, row.ordinal
            self._beat(connection)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.end()

    def end(self) -> None:
        """Say that this worker is at work no longer; the beat goes on."""
        try:
            with self._engine.begin() as connection:
                count_active_seconds(connection, self._study_id)
                connection.execute(
                    text("UPDATE automl_workers SET ended_at = now(), beat_at = now() WHERE worker_id = :worker_id"),
                    {"worker_id": self.worker_id},
                )
        except LOST_CONNECTION:
            self._warn("The database was away when this worker ended; others find it gone after the grace time.")

    def out_of_time(self) -> bool:
        """Whether the study's time is used up."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    def time(self, *, final_share: float) -> StudyTime | None:
        """Where the study is on its clock now, as far as the last heartbeat tells; None without a time budget."""
        if self._deadline is None or self._budget_seconds is None:
            return None
        left = self._deadline - time.monotonic()
        return StudyTime(self._budget_seconds - left, self._budget_seconds, final_share)

    def is_alone(self) -> bool:
        """Whether no other worker of the study is at work on this machine."""
        others = text(
            f"SELECT count(*) FROM automl_workers WHERE study_id = :study_id AND worker_id <> :worker_id"
            f" AND split_part(host, '/', 2) = split_part(:host, '/', 2) AND {worker_is_alive()}"
        )
        parameters = {
            "study_id": self._study_id,
            "worker_id": self.worker_id,
            "host": this_host(),
            "silent_seconds": UNBROKEN_SECONDS,
        }
        with self._engine.connect() as connection:
            return not connection.scalar(others, parameters)

    def trial_seconds(self) -> float | None:
        """How long one trial may take, over all its attempts; None: no limit."""
        return self._trial_seconds

    def stop_requested(self) -> bool:
        """Whether `automl stop` was called."""
        return self._stop_requested

    def _beat_until_ended(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                with self._engine.begin() as connection:
                    self._beat(connection)
            except NoResultFound:  # the study was deleted: the trial ends, and the worker finds out
                self._stop_requested = True
                return
            except LOST_CONNECTION as error:
                # The worker's own calls decide when to give up; grace starts anew for everybody.
                self._reached_since = time.monotonic()
                if self._retry is not None:
                    self._retry.note_missed(error)
            else:
                if self._retry is not None:
                    self._retry.note_heard()

    def _beat(self, connection: Connection) -> None:
        began = time.monotonic()
        since_last = connection.scalar(BEAT, {"worker_id": self.worker_id}) or 0.0
        count_active_seconds(connection, self._study_id)
        now = budget_status(connection, self._study_id)
        self._stop_requested, self._trial_seconds = now.stop_requested, now.trial_seconds
        self._budget_seconds = now.budget_seconds
        self._deadline = None if now.seconds_left is None else time.monotonic() + now.seconds_left
        is_set_back = since_last < 0  # the server's clock: living workers' heartbeats are from the future for a moment
        if is_set_back or max(float(since_last), time.monotonic() - began) > UNBROKEN_SECONDS:
            self._reached_since = time.monotonic()
        if time.monotonic() - self._recovered_at >= min(RECOVERY_SECONDS, self._grace_seconds / 2):
            self._recovered_at = time.monotonic()
            self._recover(connection)

    def _recover(self, connection: Connection) -> None:
        for number in recover_lost(
            connection,
            study_id=self._study_id,
            reached_seconds=time.monotonic() - self._reached_since,
            grace_seconds=self._grace_seconds,
        ):
            self._warn(f"Trial {number} lost its worker.")
