"""The view of a running search: a table that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from automl.application.console import plain_console
from automl.application.durations import clock
from automl.results.bugs import cause
from automl.results.status import StudyStatus
from automl.results.trials import FinishedTrial
from automl.sanitize import printable


class View(Protocol):
    """Shows a search; a context manager."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...
    def show(self, status: StudyStatus, finished: list[FinishedTrial]) -> None:
        """Where it stands, and the trials that ended since the last call."""

    def log(self, message: str) -> None:
        """A line for people."""


class PlainView:
    """One line for each finished trial; with a time budget, also for each new phase and each new best model."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """`write` prints a line."""
        self._write = write
        self._news = _News()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def show(self, status: StudyStatus, finished: list[FinishedTrial]) -> None:
        """Print what ended since the last call."""
        for line in (*_lines(finished, status), *self._news.lines(status)):
            self._write(line)

    def log(self, message: str) -> None:
        """Print the line."""
        self._write(message)


class LiveView:
    """A block at the bottom of the terminal that is drawn anew twice a second, with the finished trials above it."""

    def __init__(self) -> None:
        self._console = plain_console(stderr=True)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def show(self, status: StudyStatus, finished: list[FinishedTrial]) -> None:
        """Draw the block; print what ended since the last call above it."""
        for trial, line in zip(finished, _lines(finished, status), strict=True):
            self._console.print(printable(line), style="" if trial.state == "complete" else "dim")
        self._live.update(Group(_progress(status), _running_table(status)))

    def log(self, message: str) -> None:
        """Print the line above the block."""
        self._console.print(printable(message))


def choose_view(write: Callable[[str], None]) -> View:
    """A moving view on a terminal, elsewhere plain lines, which `write` prints."""
    return LiveView() if sys.stderr.isatty() else PlainView(write)


@contextmanager
def decoding_progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar for the decoding of images on a terminal: it appears with the first of them and leaves no trace."""
    console = plain_console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with Progress("decoding", BarColumn(), MofNCompleteColumn(), console=console, transient=True) as progress:
        task = progress.add_task("decoding", total=None, visible=False)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True)

        yield show


class _News:
    """Lines on what has changed in a study with a time budget: its phase, and the best model that can be exported."""

    def __init__(self) -> None:
        self._phase: str | None = None
        self._best: tuple[int, bool] | None = None

    def lines(self, status: StudyStatus) -> Iterator[str]:
        """What is new, with the time on the study's clock."""
        if status.phase is None:
            return
        if status.phase != self._phase:
            self._phase = status.phase
            yield f"{clock(status.active_seconds)} {status.phase}"
        found = status.exportable
        if found is not None and (found.number, found.is_complete) != self._best:
            self._best = found.number, found.is_complete
            unfinished = "" if found.is_complete else ", not complete yet"
            yield f"{clock(status.active_seconds)} best {found.value:.4f} (trial {found.number}{unfinished})"


def _lines(finished: list[FinishedTrial], status: StudyStatus) -> list[str]:
    """A line for each of the trials that ended since the last look, counted up to where the search stands now."""
    before = status.finished - len(finished)
    return [_line(trial, before + position, status) for position, trial in enumerate(finished, start=1)]


def _line(trial: FinishedTrial, count: int, status: StudyStatus) -> str:
    total = f"/{status.budget_trials}" if status.budget_trials else ""
    value = f"{trial.value:.4f}" if trial.value is not None else "      "
    line = f"[{count}{total}] trial {trial.number:>3} {trial.state:<8} {status.metric} {value} "
    line += f"after {trial.epochs_done} epochs"
    if trial.reason:
        line += f": {cause(trial.reason)}"
    elif status.best is not None and status.best.number == trial.number:
        line += "  <- best so far"
    return line


def _progress(status: StudyStatus) -> Group:
    """Two rows that fit into 80 columns, and the name of the study."""
    grid = Table.grid(padding=(0, 2))
    counts = f"{status.complete} complete, {status.pruned} pruned, {status.failed} failed"
    grid.add_row(Text(_done(status), style="bold"), _bar(status), _time(status))
    grid.add_row("", counts, _best_model(status))
    return Group(grid, Text(f"{status.study}: Ctrl-C stops; nothing is lost", style="dim"))


def _done(status: StudyStatus) -> str:
    """What is being done in the time, or else how many trials are."""
    if status.phase is not None:
        return status.phase
    return f"{status.finished}" + (f" of {status.budget_trials}" if status.budget_trials else "") + " trials"


def _bar(status: StudyStatus) -> ProgressBar:
    if status.budget_seconds is not None:
        return ProgressBar(total=status.budget_seconds, completed=status.active_seconds, width=24)
    return ProgressBar(total=status.budget_trials or 1, completed=status.finished, width=24)


def _best_model(status: StudyStatus) -> str:
    """The best model that could be exported now."""
    found = status.exportable
    if found is None:
        return "no model yet"
    epoch = "" if found.epoch is None else f", epoch {found.epoch}"
    return f"best {found.value:.4f} (trial {found.number}{epoch})"


def _time(status: StudyStatus) -> str:
    """Time used and left."""
    total = "" if status.budget_seconds is None else f" of {clock(status.budget_seconds)}"
    left = "" if status.seconds_left is None else f", about {clock(status.seconds_left)} left"
    return clock(status.active_seconds) + total + left


def _running_table(status: StudyStatus) -> Table:
    table = Table.grid(padding=(0, 2))
    for trial in status.running:
        epoch = 0 if trial.epoch is None else trial.epoch + 1
        bar = ProgressBar(total=trial.epochs or 1, completed=epoch, width=24)
        value = f"{status.metric} {trial.value:.4f}" if trial.value is not None else "starting"
        value = "begun outside automl" if trial.is_foreign else value
        table.add_row(f"  trial {trial.number}", bar, f"epoch {epoch}/{trial.epochs or '?'}", value)
    return table
