"""Searches as the database would give them, without training."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from automl.metrics import METRICS, EpochResult
from automl.recipe import Recipe
from automl.report.facts import Facts
from automl.results.status import StudyStatus
from automl.results.trials import TrialRecord
from automl.study.record import StudyRecord
from tests.studies import SPECIFICATION

MakeFacts = Callable[..., Facts]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def epoch(number: int, *, accuracy: float, seconds: float = 2.0) -> EpochResult:
    """One epoch of this validation accuracy."""
    return EpochResult(
        epoch=number,
        train_loss=1.5 - accuracy,
        train_accuracy=accuracy + 0.02,
        validation_loss=1 - accuracy,
        validation_accuracy=accuracy,
        validation_macro_f1=accuracy - 0.1,
        validation_balanced_accuracy=accuracy - 0.2,
        gradient_norm=1.0,
        learning_rate=0.001,
        images_per_second=1000.0,
        seconds=seconds,
    )


def trial(
    number: int, state: str = "complete", *accuracies: float, seconds: float = 2.0, **changes: Any
) -> TrialRecord:
    """A finished trial with these validation accuracies, of a recipe of four epochs; `changes` may give another."""
    epochs = tuple(epoch(n, accuracy=accuracy, seconds=seconds) for n, accuracy in enumerate(accuracies))
    best = max(epochs, key=lambda result: result.validation_accuracy, default=None)
    found = TrialRecord(
        study="faces",
        trial_id=100 + number,
        number=number,
        state=state,
        value=best.validation_accuracy if best and state == "complete" else None,
        best_epoch=best.epoch if best else None,
        recipe=Recipe(depth=number % 3, epochs=4, seed=number).as_dict(),
        parameters=1000 * (number + 1),
        milliseconds=0.5 * (number + 1),
        threads=1,
        attempt=0,
        lost=0,
        seconds=8.0,
        failure=None,
        reason=None,
        started_at=NOON,
        completed_at=NOON,
        epochs=epochs,
    )
    return dataclasses.replace(found, **changes)


TRIALS = (
    trial(0, "complete", 0.5, 0.6, 0.7, 0.65),
    trial(1, "pruned", 0.3, 0.4, seconds=3.0),
    trial(2, "failed", failure="diverged", reason="Traceback\nThe loss became nan.", epochs=()),
    trial(3, "complete", 0.6, 0.8, 0.9, 0.9),
)


@pytest.fixture
def make_facts() -> MakeFacts:
    """Facts of these trials, of a study with changes to its specification."""

    def make(trials: Sequence[TrialRecord] = TRIALS, **changes: Any) -> Facts:
        specification = dataclasses.replace(SPECIFICATION, **changes)
        record = StudyRecord(1, "faces", specification, 10, None, None, NOON)
        counts = {state: sum(one.state == state for one in trials) for state in ("complete", "pruned", "failed")}
        assert set(METRICS) >= {specification.metric}
        status = StudyStatus(
            study="faces",
            metric=specification.metric,
            budget_trials=10,
            budget_seconds=None,
            trial_seconds=None,
            active_seconds=60.0,
            device_seconds=50.0,
            failures={"diverged": 1},
            stop_requested=False,
            waiting=0,
            running=(),
            workers=(),
            best=None,
            complete=counts["complete"],
            pruned=counts["pruned"],
            failed=counts["failed"],
        )
        return Facts(record, status, tuple(trials), ("cpu, 1 thread, float32",))

    return make
