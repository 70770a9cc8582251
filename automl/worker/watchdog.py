"""A watchdog beside the training: it ends an attempt whose training no longer answers.

The limits of a trial are asked at each of its steps, so a step that never ends asks nothing: a forward that sleeps, a
call of CUDA's that does not return. The watchdog counts how long no batch has ended, in ticks of its own thread. A
process that was stopped or slept, or a machine that is overloaded, delays the ticks as it delays the batches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol, Self

TICK_SECONDS = 0.5
MOST_TICK_SECONDS = 2 * TICK_SECONDS
"""A tick that took longer counts as this: then the whole process stood still."""
STOP_SECONDS = 4.0
"""A training that is asked to stop gets so long to come to the end of its step."""
LIMIT_SECONDS = 15.0
"""Time without a batch after a limit was reached, after which the training is not waited for."""
LIMIT_TIMES = 5
"""The same, as a multiple of the longest time between two batches."""
HUNG_SECONDS = 900.0
"""Time without a batch after which a training hangs, unless its batches take longer themselves."""
HUNG_TIMES = 20
"""The same, as a multiple of the longest time between two batches. The first ones often compile."""
FIRST_TIMES = 8
"""Before the first batch has ended, a training has so many times HUNG_SECONDS."""
RECORD_SECONDS = 20.0
"""Longest time to record how the attempt ended. After it, the trial is left to be found lost."""
STOP_RECORD_SECONDS = 3.0
"""The same where the worker was asked to stop."""

Cause = Literal["asked to stop", "out of time", "time used up", "hung"]
"""Why a training is not waited for any longer; the second is the trial's limit, the third the study's time."""


@dataclass
class Silence:
    """Time without a batch of one trial, in seconds of ticks."""

    hung_seconds: float = HUNG_SECONDS
    batches: int = 0
    """Number of batches that have ended."""
    seconds: float = 0.0
    """Time since the last batch ended, or since the computation began."""
    longest: float = 0.0
    """Longest time between two batches."""
    _asked: Cause | None = None
    _asked_seconds: float = 0.0
    _seen: int = 0

    def begin(self) -> None:
        """Begin another computation of the same trial."""
        self.seconds = self._asked_seconds = 0.0
        self._asked = None

    def tick(self, seconds: float, asked: Cause | None) -> Cause | None:
        """Let time pass; why the training is not waited for any longer, or None. `asked`: why it should end now."""
        if self.batches != self._seen:
            self._seen, self.longest, self.seconds = self.batches, max(self.longest, self.seconds), 0.0
        if asked != self._asked:
            self._asked, self._asked_seconds = asked, 0.0
        self.seconds += seconds
        self._asked_seconds += seconds
        if asked == "asked to stop" and self._asked_seconds >= STOP_SECONDS:
            return asked
        patience = max(LIMIT_SECONDS, LIMIT_TIMES * self.longest)
        if asked in ("out of time", "time used up") and min(self.seconds, self._asked_seconds) >= patience:
            return asked
        return "hung" if self.seconds >= self.most_seconds else None

    @property
    def most_seconds(self) -> float:
        """Time without a batch after which the training hangs."""
        if not self.batches:
            return FIRST_TIMES * self.hung_seconds
        return max(self.hung_seconds, HUNG_TIMES * self.longest)


def stay(_cause: Cause) -> None:
    """Leave the process as it is, where the worker is but a part of it."""


class WatchedTrial(Protocol):
    """An attempt at a trial, as the watchdog knows it."""

    def asked_to_end(self) -> Cause | None:
        """Why the training should end now, or None. Called from another thread, and cheap."""

    def end_unanswered(self, cause: Cause, seconds: float) -> None:
        """Record how the attempt ended. Called from another thread, while the training answers nothing."""


@dataclass
class Watchdog:
    """A thread that watches the computations of a worker's trials; a context manager."""

    leave: Callable[[Cause], None]
    """Ends the process, or replaces it by a new worker; called once the end is recorded."""
    log: Callable[[str], None]
    hung_seconds: float = HUNG_SECONDS
    on_end: Callable[[], None] = lambda: None
    """Called after the end of the trial is recorded, with what is left of the same time."""
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while an attempt is ended, so that a training which answers at last does not go on."""
    _over: threading.Event = field(default_factory=threading.Event)
    _trial: WatchedTrial | None = None
    _known: object = None
    _silence: Silence = field(default_factory=Silence)

    def __enter__(self) -> Self:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @contextmanager
    def watching(self, trial: WatchedTrial, *, attempt: object) -> Iterator[None]:
        """Watch the block, a computation of this trial that waits for nothing else. `attempt`: what names it."""
        with self._lock:
            if attempt != self._known:
                self._known, self._silence = attempt, Silence(self.hung_seconds)
            self._silence.begin()
            self._trial = trial
        try:
            yield
        finally:
            with self._lock:
                self._trial = None

    def note_batch(self) -> None:
        """Note that the training has computed a batch. Cheap enough for every one."""
        self._silence.batches += 1

    def _watch(self) -> None:
        before = self.clock()
        while not self._over.wait(TICK_SECONDS):
            now = self.clock()
            self.tick(min(now - before, MOST_TICK_SECONDS))
            before = self.clock()

    def tick(self, seconds: float) -> None:
        """Look at what is computed now, so many seconds after the last look."""
        with self._lock:
            trial = self._trial
            cause = None if trial is None else self._silence.tick(seconds, trial.asked_to_end())
            if trial is None or cause is None:
                return
            self._trial = None
            self._record(trial, cause)
            self.leave(cause)

    def _record(self, trial: WatchedTrial, cause: Cause) -> None:
        """Record the end, as long as that takes no longer than it may: the database can hang as well."""

        def record() -> None:
            try:
                trial.end_unanswered(cause, self._silence.seconds)
                self.on_end()
            except Exception as error:  # noqa: BLE001 – the process ends now, and others find the trial lost
                self.log(f"The end of a trial that does not answer was not recorded: {type(error).__name__}: {error}")

        thread = threading.Thread(target=record, name="watchdog's record", daemon=True)
        thread.start()
        thread.join(STOP_RECORD_SECONDS if cause == "asked to stop" else RECORD_SECONDS)
