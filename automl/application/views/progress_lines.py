"""A running search as plain lines that stay readable: in a script, a notebook, a file."""

from __future__ import annotations

import time
from collections.abc import Callable

from typing_extensions import override

from automl.application.durations import clock
from automl.application.live import PlainView
from automl.results.status import StudyStatus
from automl.results.trials import FinishedTrial

FIRST_TRIALS = 20
"""Trials that get a line each."""
QUIET_SECONDS = 30.0
"""Least time between two lines on where the search stands."""


class ProgressLines(PlainView):
    """A line for each of the first trials and each new best one; for all others one line in half a minute."""

    def __init__(self, write: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        """`write` prints a line. `now`: seconds of a clock that never goes back."""
        super().__init__(write)
        self._now = now
        self._last_line = now()

    @override
    def log(self, message: str) -> None:
        """Print the line."""
        self._last_line = self._now()
        super().log(message)

    @override
    def show(self, status: StudyStatus, finished: list[FinishedTrial]) -> None:
        """Print what is worth a line."""
        shown = finished if status.finished <= FIRST_TRIALS or _has_new_best(status, finished) else []
        if shown:
            self._last_line = self._now()
        elif self._now() - self._last_line >= QUIET_SECONDS:
            self.log(progress_line(status))
        super().show(status, shown)


def progress_line(status: StudyStatus) -> str:
    """Where the search stands: time, trials, the best one."""
    total = f" of {clock(status.budget_seconds)}" if status.budget_seconds else ""
    trials = f" of {status.budget_trials}" if status.budget_trials else ""
    best = f"best {status.metric} {status.best.value:.4f}" if status.best else "no complete trial yet"
    left = "" if total or status.seconds_left is None else f", about {clock(status.seconds_left)} left"
    return f"{clock(status.active_seconds)}{total}: {status.finished}{trials} trials, {best}{left}"


def _has_new_best(status: StudyStatus, finished: list[FinishedTrial]) -> bool:
    return status.best is not None and status.best.number in {trial.number for trial in finished}
