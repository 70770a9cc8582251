from __future__ import annotations

import dataclasses
from datetime import datetime

from automl.application.views.progress_lines import FIRST_TRIALS, QUIET_SECONDS, ProgressLines
from automl.results.best import BestTrial
from automl.results.status import StudyStatus
from automl.results.trials import FinishedTrial

STATUS = StudyStatus(
    study="s",
    metric="accuracy",
    budget_trials=None,
    budget_seconds=600.0,
    trial_seconds=None,
    active_seconds=61.0,
    device_seconds=61.0,
    stop_requested=False,
    complete=0,
    pruned=0,
    failed=0,
    failures={},
    waiting=0,
    running=(),
    workers=(),
    best=None,
)


def test_long_search_prints_its_first_trials_its_best_ones_and_two_lines_a_minute() -> None:
    lines: list[str] = []
    seconds = 0.0
    view = ProgressLines(lines.append, now=lambda: seconds)
    for number in range(1000):
        seconds += 0.5
        best = BestTrial(number // 100 * 100, 0.5 + number // 100 / 100, None)
        status = dataclasses.replace(STATUS, complete=number + 1, best=best)
        view.show(status, [FinishedTrial(number, "complete", 0.4, 3, None, datetime(2026, 11, 28))])
    trials = [line for line in lines if "] trial" in line]
    assert len(trials) == FIRST_TRIALS + 9
    assert trials[-1] == "[901] trial 900 complete accuracy 0.4000 after 3 epochs  <- best so far"
    assert len(lines) - len(trials) <= seconds / QUIET_SECONDS
    assert "1:01 of 10:00: 80 trials, best accuracy 0.5000" in lines


def test_search_without_news_says_where_it_stands() -> None:
    lines: list[str] = []
    seconds = 0.0
    view = ProgressLines(lines.append, now=lambda: seconds)
    status = dataclasses.replace(STATUS, budget_seconds=None, budget_trials=30)
    view.show(status, [])
    assert lines == []
    seconds = QUIET_SECONDS
    view.show(status, [])
    assert lines == ["1:01: 0 of 30 trials, no complete trial yet"]
