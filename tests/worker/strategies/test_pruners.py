from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Literal

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from automl.errors import StudyError
from automl.storage.attributes import EPOCHS_ATTRIBUTE
from automl.study.specification import PRUNERS, SAMPLERS
from automl.worker.strategies.pruners import RankPruner, build_pruner
from automl.worker.strategies.samplers import build_sampler, worker_seed
from tests.studies import SPECIFICATION


def study_of(
    direction: Literal["minimize", "maximize"],
    complete: Sequence[Sequence[float]],
    stopped: Sequence[Sequence[float]] = (),
    *,
    epochs: int | None = None,
) -> optuna.Study:
    """Trials with these values by epoch; the stopped ones planned `epochs`."""
    study = optuna.create_study(direction=direction)
    for state, curves in ((TrialState.COMPLETE, complete), (TrialState.PRUNED, stopped)):
        for curve in curves:
            study.add_trial(
                create_trial(
                    state=state,
                    value=0.0 if curve else None,
                    user_attrs={EPOCHS_ATTRIBUTE: epochs or len(curve)},
                    intermediate_values=dict(enumerate(curve)),
                )
            )
    return study


def running(epochs: int, curve: Sequence[float]) -> optuna.trial.FrozenTrial:
    return create_trial(
        state=TrialState.RUNNING,
        user_attrs={EPOCHS_ATTRIBUTE: epochs},
        intermediate_values=dict(enumerate(curve)),
    )


def rising(epochs: int) -> list[float]:
    """The share of the training that is done: the same curve at any length."""
    return [(epoch + 1) / epochs for epoch in range(epochs)]


def ranks(count: int, *, epochs: int = 10) -> list[list[float]]:
    """Level curves of the values 1 to `count`."""
    return [[float(value)] * epochs for value in range(1, count + 1)]


def median(*, startup_trials: int = 1, warmup_epochs: int = 0) -> RankPruner:
    return RankPruner(0.5, startup_trials=startup_trials, warmup_epochs=warmup_epochs)


def lowest_place(pruner: RankPruner, study: optuna.Study, *, epoch: int) -> int:
    """The lowest place among all, from 1, with which a trial of 10 epochs goes on after so many."""
    count = len(study.trials)
    ends = [pruner.prune(study, running(10, [count + 0.5 - better] * epoch)) for better in range(count + 1)]
    assert ends == sorted(ends)
    return ends.count(False)


def test_better_half_goes_on_to_the_middle_and_then_ever_fewer() -> None:
    study = study_of("maximize", ranks(20))
    assert [lowest_place(median(), study, epoch=epoch) for epoch in range(1, 10)] == [10, 10, 10, 10, 10, 8, 6, 4, 3]


def test_quarter_goes_on() -> None:
    quarter = RankPruner(0.25, startup_trials=1, warmup_epochs=0)
    assert [lowest_place(quarter, study_of("maximize", ranks(20)), epoch=epoch) for epoch in (1, 7, 8)] == [5, 5, 4]


def test_three_best_always_go_on() -> None:
    for count in (1, 2, 3, 5):
        expected = min(3, count + 1)
        assert lowest_place(median(), study_of("maximize", ranks(count)), epoch=9) == expected


def test_stopped_trials_keep_their_place() -> None:
    weak = [[0.1] * 2] * 5
    among_survivors = study_of("maximize", ranks(6))
    among_all = study_of("maximize", ranks(6), weak, epochs=10)
    fifth = running(10, [2.5] * 5)
    assert median().prune(among_survivors, fifth)
    assert not median().prune(among_all, fifth)


def test_best_value_so_far_counts() -> None:
    study = study_of("maximize", [[5.0, 1.0, 6.0]] * 4)
    assert median().prune(study, running(3, [3.0, 4.0]))
    assert not median().prune(study, running(3, [5.5, 0.0]))


def test_trial_is_compared_at_the_same_share_of_its_training() -> None:
    study = study_of("maximize", [rising(10)] * 4)
    long = rising(20)
    # At the same epoch it would look half as good as the short ones, and be lost.
    assert not any(median().prune(study, running(20, long[: epoch + 1])) for epoch in range(20))
    assert median().prune(study, running(20, [value * 0.8 for value in long[:10]]))


def test_loss_is_better_when_it_is_lower() -> None:
    study = study_of("minimize", [[3.0, 2.0], [3.0, 1.0], [3.0, 1.5], [3.0, 1.2]], epochs=4)
    assert median().prune(study, running(4, [4.0, 1.6]))
    assert not median().prune(study, running(4, [4.0, 1.4]))


def test_what_is_not_a_number_is_worse_than_any() -> None:
    for direction in ("maximize", "minimize"):
        nothing = [math.nan] * 4
        assert median().prune(study_of(direction, ranks(3, epochs=4)), running(4, nothing[:2]))
        assert not median().prune(study_of(direction, [nothing] * 3), running(4, [0.0, 0.0]))


def test_untrained_trials_are_not_compared_with() -> None:
    study = study_of("maximize", ranks(4), [[]] * 20, epochs=10)
    assert lowest_place(median(), study_of("maximize", ranks(4)), epoch=2) == 3
    assert median().prune(study, running(10, [1.5, 1.5]))


def test_nothing_is_pruned_before_start_up_and_warm_up() -> None:
    study = study_of("maximize", ranks(3), ranks(1, epochs=2), epochs=10)
    worst = running(10, [0.0, 0.0, 0.0])
    assert median(startup_trials=4, warmup_epochs=2).prune(study, worst)
    assert not median(startup_trials=5, warmup_epochs=2).prune(study, worst)
    assert not median(startup_trials=4, warmup_epochs=3).prune(study, worst)


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
