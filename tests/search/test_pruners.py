from __future__ import annotations

import dataclasses
import re
from typing import Literal

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from automl.errors import StudyError
from automl.search.pruners import EPOCHS_ATTRIBUTE, SharePruner, build_pruner
from automl.search.samplers import build_sampler, worker_seed
from automl.search.spaces.file import load_space
from automl.search.specification import PRUNERS, SAMPLERS
from tests.search.conftest import SPECIFICATION

MIXED = load_space({"parameters": {"epochs": {"values": [10, 20]}, "depth": {"value": 1}}})


def study_of(direction: Literal["minimize", "maximize"], curves: list[list[float]]) -> optuna.Study:
    """Complete trials with these values by epoch."""
    study = optuna.create_study(direction=direction)
    for curve in curves:
        study.add_trial(
            create_trial(
                value=curve[-1],
                user_attrs={EPOCHS_ATTRIBUTE: len(curve)},
                intermediate_values=dict(enumerate(curve)),
            )
        )
    return study


def running(epochs: int, curve: list[float]) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=TrialState.RUNNING,
        user_attrs={EPOCHS_ATTRIBUTE: epochs},
        intermediate_values=dict(enumerate(curve)),
    )


def rising(epochs: int) -> list[float]:
    """The share of the training that is done: the same curve at any length."""
    return [(epoch + 1) / epochs for epoch in range(epochs)]


def test_trial_is_compared_at_the_same_share_of_its_training() -> None:
    study = study_of("maximize", [rising(10), rising(10), rising(10)])
    pruner = SharePruner(50, startup_trials=2, warmup_epochs=0)
    long = rising(20)
    # At the same epoch it would look half as good as the short ones, and be lost.
    assert not any(pruner.prune(study, running(20, long[: epoch + 1])) for epoch in range(20))
    assert pruner.prune(study, running(20, [value * 0.8 for value in long[:10]]))


def test_loss_is_pruned_above_the_median() -> None:
    study = study_of("minimize", [[3.0, 2.0], [3.0, 1.0], [3.0, 1.5]])
    pruner = SharePruner(50, startup_trials=2, warmup_epochs=0)
    assert pruner.prune(study, running(2, [4.0, 1.6]))
    assert not pruner.prune(study, running(2, [4.0, 1.4]))


def test_nothing_is_pruned_before_start_up_and_warm_up() -> None:
    study = study_of("maximize", [rising(10)] * 3)
    worst = running(10, [0.0, 0.0, 0.0])
    assert SharePruner(50, startup_trials=3, warmup_epochs=2).prune(study, worst)
    assert not SharePruner(50, startup_trials=4, warmup_epochs=2).prune(study, worst)
    assert not SharePruner(50, startup_trials=3, warmup_epochs=3).prune(study, worst)


def test_pruner_follows_whether_epochs_differ() -> None:
    assert not isinstance(build_pruner(SPECIFICATION), SharePruner)
    assert isinstance(build_pruner(dataclasses.replace(SPECIFICATION, space=MIXED)), SharePruner)


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_is_built(name: str) -> None:
    assert isinstance(build_pruner(dataclasses.replace(SPECIFICATION, pruner=name)), optuna.pruners.BasePruner)


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_draws(name: str) -> None:
    study = optuna.create_study(sampler=build_sampler(name, seed=1))
    for _ in range(12):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
    assert all(0 <= trial.params["x"] <= 1 for trial in study.trials)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(StudyError, match=re.escape(f"Unknown sampler 'tpee'. Known: {', '.join(SAMPLERS)}.")):
        build_sampler("tpee", seed=0)
    with pytest.raises(StudyError, match=re.escape(f"Unknown pruner 'mean'. Known: {', '.join(PRUNERS)}.")):
        build_pruner(dataclasses.replace(SPECIFICATION, pruner="mean"))


def test_workers_of_a_study_draw_differently_and_repeatably() -> None:
    seeds = [worker_seed(7, ordinal) for ordinal in range(100)]
    assert len(set(seeds)) == 100
    assert seeds == [worker_seed(7, ordinal) for ordinal in range(100)]
