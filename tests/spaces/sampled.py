"""Draws from spaces and distributions, with Optuna's own random sampler."""

from __future__ import annotations

import optuna

from automl.recipe import Recipe, Value
from automl.spaces.distributions.ranges import Distribution
from automl.spaces.space import SearchSpace


def random_study(seed: int = 0) -> optuna.Study:
    """A study in memory whose trials are drawn at random."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))


def recipes(space: SearchSpace, count: int, *, seed: int = 0) -> list[Recipe]:
    """So many recipes of the space."""
    study = random_study(seed)
    return [space.suggest(study.ask(), seed=number) for number in range(count)]


def values(distribution: Distribution, count: int, *, seed: int = 0) -> list[Value]:
    """So many values of the distribution: all in one trial, each under a name of its own."""
    trial = random_study(seed).ask()
    return [distribution.suggest(trial, f"value{number}") for number in range(count)]
