"""Small steps from the best trials: inside the space, another value, and better than chance in few trials."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from automl.study.specification import SAMPLERS
from automl.worker.strategies.local_sampler import step_from
from automl.worker.strategies.samplers import build_sampler

DISTRIBUTIONS: tuple[tuple[BaseDistribution, object], ...] = (
    (FloatDistribution(0.0, 0.6), 0.1),
    (FloatDistribution(1e-4, 1e-1, log=True), 1e-3),
    (FloatDistribution(0.0, 1.0, step=0.25), 0.5),
    (IntDistribution(0, 4), 4),
    (IntDistribution(16, 256, log=True), 32),
    (IntDistribution(2, 20, step=3), 5),
    (CategoricalDistribution((24, 32, 48, 64)), 32),
    (CategoricalDistribution((False, True)), True),
    (CategoricalDistribution(("plain", "residual")), "plain"),
)


@pytest.mark.parametrize(("distribution", "value"), DISTRIBUTIONS, ids=repr)
@given(seed=st.integers(0, 2**32 - 1))
def test_step_stays_in_the_distribution(distribution: BaseDistribution, value: object, seed: int) -> None:
    moved = step_from(value, distribution, random=np.random.default_rng(seed))
    if isinstance(distribution, CategoricalDistribution):
        assert moved in distribution.choices
        assert moved != value
    else:
        assert isinstance(distribution, FloatDistribution | IntDistribution)
        assert distribution.low <= moved <= distribution.high
        assert distribution.step is None or (moved - distribution.low) % distribution.step == 0
        assert type(moved) is (int if isinstance(distribution, IntDistribution) else float)


@pytest.mark.parametrize(
    "distribution", [FloatDistribution(0.1, 0.1), IntDistribution(3, 3), CategoricalDistribution((7,))], ids=repr
)
def test_parameter_with_one_value_keeps_it(distribution: BaseDistribution) -> None:
    value = distribution.choices[0] if isinstance(distribution, CategoricalDistribution) else distribution.low  # type: ignore[attr-defined]
    assert step_from(value, distribution, random=np.random.default_rng(0)) == value


def test_choices_that_are_numbers_move_to_the_one_beside_them() -> None:
    random = np.random.default_rng(0)
    moved = [step_from(32, CategoricalDistribution((64, 24, 32, 48, 96)), random=random) for _ in range(200)]
    beside = sum(value in (24, 48) for value in moved)
    assert beside > 0.8 * len(moved)
    assert set(moved) == {24, 48, 64, 96}


def _objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    depth = trial.suggest_int("depth", 0, 4)
    penalty = trial.suggest_float("dropout", 0.0, 0.6) if depth else 0.5
    width = trial.suggest_categorical("width", (16, 24, 32, 48, 64))
    return float((np.log10(rate) + 2.5) ** 2 + abs(depth - 3) / 3 + (penalty - 0.2) ** 2 + abs(width - 48) / 64)


def _best_of(sampler: str, seed: int, *, trials: int) -> float:
    study = optuna.create_study(sampler=build_sampler(sampler, seed=seed))
    study.enqueue_trial({"rate": 1e-2, "depth": 2, "dropout": 0.4, "width": 32})
    study.optimize(_objective, n_trials=trials)
    return study.best_value


def test_finds_more_than_chance_in_twenty_trials() -> None:
    seeds = range(20)
    local = np.array([_best_of("local", seed, trials=20) for seed in seeds])
    random = np.array([_best_of("random", seed, trials=20) for seed in seeds])
    assert np.median(local) < np.median(random)
    assert local.mean() < random.mean()


def test_same_seed_proposes_the_same() -> None:
    assert _best_of("local", 3, trials=15) == _best_of("local", 3, trials=15)


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "grid"])
def test_every_sampler_proposes_before_anything_is_complete(sampler: str) -> None:
    study = optuna.create_study(sampler=build_sampler(sampler, seed=0), direction="maximize")
    trials = [study.ask() for _ in range(3)]
    assert [0 <= trial.suggest_int("depth", 0, 4) <= 4 for trial in trials] == [True] * 3
