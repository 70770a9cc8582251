"""Jobs that a worker does behind its training: one thread, in order, and never more than a share of the time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

SHARE = 0.1
"""At most this share of the time goes into jobs while the worker trains: what is more waits for a pause."""
MOST_WAITING = 1000
"""With more jobs than that waiting, the share counts no longer."""

Job = Callable[[], object]


class BackgroundJobs:
    """A queue of jobs and the thread that does them. A job deals with its own errors."""

    def __init__(self, *, share: float = SHARE, clock: Callable[[], float] = time.monotonic) -> None:
        """The thread begins with the first job."""
        self._share, self._clock = share, clock
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._resting_until = clock()
        self._hurried = self._closed = False
        # A daemon: what it has not done at the worker's end is as after a kill, and must be made up for anyway.
        self._thread = threading.Thread(target=self._serve, name="background jobs", daemon=True)

    def put(self, job: Job) -> None:
        """Let the job be done after those that wait."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify()
            if self._thread.ident is None:
                self._thread.start()

    def hurry(self, *, is_idle: bool) -> None:
        """Set whether the worker has nothing else to do, so that the share does not count."""
        with self._changed:
            self._hurried = is_idle
            self._changed.notify()

    def is_last(self) -> bool:
        """Whether no job waits behind the one that is being done."""
        with self._changed:
            return not self._jobs

    def resting_seconds(self) -> float:
        """How long no job is begun, unless there is haste."""
        return max(0.0, self._resting_until - self._clock())

    def finish(self, *, timeout_seconds: float) -> bool:
        """Do what is left and nothing after it; whether that was done within so long. May be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def close(self, *, timeout_seconds: float) -> None:
        """Do what is left, for at most so long; what is not done by then is dropped."""
        if not self.finish(timeout_seconds=timeout_seconds):
            with self._changed:
                self._jobs.clear()

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            began = self._clock()
            job()
            now = self._clock()
            self._resting_until = now + (now - began) * (1 / self._share - 1)

    def _next(self) -> Job | None:
        """The next job, once its turn has come; None: there will be none."""
        with self._changed:
            while not (self._jobs and self._may_work()):
                if self._closed and not self._jobs:
                    return None
                self._changed.wait(self.resting_seconds() if self._jobs else None)
            return self._jobs.popleft()

    def _may_work(self) -> bool:
        in_haste = self._hurried or self._closed or len(self._jobs) > MOST_WAITING
        return in_haste or not self.resting_seconds()
