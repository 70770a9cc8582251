"""benchmarks/chaos.py in small: what is killed, stopped and restarted leaves books that agree."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.chaos import Chaos, Plan, report, run
from benchmarks.chaos_audit import as_json

PLAN = Plan(
    workers=2, trials=5, epochs=60, deck=("kill", "immediate restart"), pause_seconds=(8.0, 10.0), grace_seconds=12
)
"""Epochs enough for the first fault to find the workers at work, on an idle machine too."""


def test_every_trial_is_accounted_for_after_chaos() -> None:
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        found = run(PLAN, Path(folder))
        logs = "\n".join(path.read_text("utf-8") for path in sorted(Path(folder).glob("worker-*.log")))
    assert found.is_exact, f"{as_json(found.lines)}\n{logs}"
    assert found.faults


def test_the_report_says_how_it_was_called() -> None:
    page = report(PLAN, Chaos(Counter(kill=1), 60.0, []), 0.0, arguments=("--output", "--pause", "8", "16"))
    assert page.endswith("Again: `python -m benchmarks.chaos --output --pause 8 16`.\n")
