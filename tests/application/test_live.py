"""The view of a running search, as plain lines and on a real terminal."""

from __future__ import annotations

import dataclasses
import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

import pytest

from automl.application.live import LiveView, PlainView, choose_view
from automl.results.best import BestTrial
from automl.results.status import ExportableTrial, RunningTrial, StudyStatus
from automl.results.trials import FinishedTrial

STATUS = StudyStatus(
    study="signs",
    metric="accuracy",
    budget_trials=None,
    budget_seconds=600.0,
    trial_seconds=None,
    active_seconds=5.0,
    device_seconds=8.0,
    stop_requested=False,
    complete=0,
    pruned=0,
    failed=0,
    failures={},
    waiting=0,
    running=(RunningTrial(0, 3, 12, 0.71, 0),),
    workers=(),
    best=None,
    final_share=1 / 3,
)
SO_FAR = ExportableTrial(0, 0.71, 3, is_complete=False)
BEST = ExportableTrial(4, 0.944, 11, is_complete=True)


def moment(seconds: float, exportable: ExportableTrial | None = None) -> StudyStatus:
    return dataclasses.replace(STATUS, active_seconds=seconds, exportable=exportable)


def test_plain_view_prints_each_phase_and_each_new_best_with_the_time() -> None:
    lines: list[str] = []
    view = PlainView(lines.append)
    for status in (
        moment(5),
        moment(12, SO_FAR),
        moment(14, dataclasses.replace(SO_FAR, value=0.75, epoch=4)),
        moment(21, SO_FAR),
        moment(151, BEST),
        moment(152, BEST),
        moment(401, BEST),
    ):
        view.show(status, [])
    assert lines == [
        "0:05 first models",
        "0:12 best 0.7100 (trial 0, not complete yet)",
        "0:21 search",
        "2:31 best 0.9440 (trial 4)",
        "6:41 final training",
    ]


def test_search_without_a_time_has_no_phases() -> None:
    lines: list[str] = []
    PlainView(lines.append).show(dataclasses.replace(moment(5, BEST), budget_seconds=None, budget_trials=9), [])
    assert lines == []


def test_terminal_shows_time_phase_and_the_best_model(monkeypatch: pytest.MonkeyPatch) -> None:
    finished = FinishedTrial(4, "complete", 0.944, 12, None, datetime(2026, 11, 28))
    best = dataclasses.replace(moment(151, BEST), complete=1, best=BestTrial(4, 0.944, 11))
    shown = _on_a_terminal(monkeypatch, best, [finished])
    for text in (
        "[1] trial   4 complete accuracy 0.9440 after 12 epochs  <- best so far",
        "search",
        "best 0.9440 (trial 4, epoch 11)",
        "2:31 of 10:00, about 7:29 left",
        "signs: Ctrl-C stops; nothing is lost",
        "trial 0",
        "epoch 4/12",
    ):
        assert text in shown


def test_terminal_without_a_model_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = _on_a_terminal(monkeypatch, moment(5), [])
    assert "first models" in shown
    assert "no model yet" in shown


def _on_a_terminal(monkeypatch: pytest.MonkeyPatch, status: StudyStatus, finished: list[FinishedTrial]) -> str:
    """What the view writes to a terminal of 80 columns."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with os.fdopen(parent, "rb", buffering=0) as screen:
        with os.fdopen(child, "w") as terminal:
            monkeypatch.setattr(sys, "stderr", terminal)
            view = choose_view(print)
            assert isinstance(view, LiveView)
            with view:
                view.show(status, finished)
        return _text(b"".join(_written(screen)))


def _written(screen: io.FileIO) -> Iterator[bytes]:
    """What was written, up to the end of the other side."""
    with suppress(OSError):  # Linux says that nobody is there any more
        while chunk := screen.read(4096):
            yield chunk


def _text(written: bytes) -> str:
    """Without the control sequences of the terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
