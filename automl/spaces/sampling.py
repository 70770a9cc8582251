"""Recipes that a space proposes before there is a study."""

from __future__ import annotations

import optuna

from automl.recipe import Recipe
from automl.spaces.space import SearchSpace


def sample_recipes(space: SearchSpace, *, count: int) -> list[Recipe]:
    """Sample so many random recipes, the same ones each time.

    Raises: SpaceError or RecipeError if a space in Python fails, or returns something else than fields of Recipe.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [space.suggest(study.ask(), seed=0) for _ in range(count)]
