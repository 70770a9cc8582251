"""Final training: the best recipes of a search are enqueued whole, with new seeds and more epochs.

A trial of it is marked with the attribute `phase`. It has its recipe from the queue, is not pruned, and no sampler or
pruner sees it (`storage.optuna_internals.SearchStorage`): it had more epochs than a trial of the search.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.budget import budget_status
from automl.queue.claims import Transactions
from automl.queue.fitting import final_epochs, least_epochs, needed_seconds
from automl.recipe import MAX_SEED
from automl.storage.advisory_locks import Lock, lock
from automl.storage.attributes import FINAL as FINAL_PHASE
from automl.storage.attributes import PHASE_ATTRIBUTE, RECIPE_ATTRIBUTE, REPEATS_ATTRIBUTE
from automl.storage.optuna_internals import enqueue_waiting_trial, study_id_of
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS

RECIPES = 3
"""Number of different recipes, the best of the search, among which final training rotates."""
MOST_READ = 50
"""Trials that are looked through for different recipes."""
STREAM = 1
"""Part of the seeds of final training, which a confirmation's do not have."""


@dataclass(frozen=True)
class SearchedRecipe:
    """A recipe that a complete trial of the search trained."""

    trial: int
    value: float
    recipe: Mapping[str, Any]
    seconds_an_epoch: float
    """Mean over the trial's epochs, as its worker took them."""

    @property
    def epochs(self) -> int:
        """Epochs that it planned in the search."""
        return int(self.recipe["epochs"])


def enqueue_final(transactions: Transactions, study: optuna.Study, *, seed: int, seconds_left: float) -> bool:
    """Queue a final training that fits into the time left, if the budget allows it; returns whether it did.

    `seed`: the study's.
    """
    study_id = study_id_of(study)
    with transactions.begin() as connection:
        lock(connection, Lock.QUEUE, study_id)
        now = budget_status(connection, study_id)
        if now.budget_trials is not None and now.trials >= now.budget_trials:
            return False
        done = _repetitions(connection, study_id)
        for one in in_turn(best_recipes_of_search(connection, study_id), done):
            epochs = final_epochs(one.epochs, seconds_an_epoch=one.seconds_an_epoch, seconds_left=seconds_left)
            if epochs:
                attributes = final_attributes(one, epochs=epochs, seed=seed, position=done[one.trial])
                enqueue_waiting_trial(study, {}, attributes=attributes)
                return True
    return False


def in_turn(recipes: Sequence[SearchedRecipe], done: Mapping[int, int]) -> list[SearchedRecipe]:
    """The recipes, best first, in the order in which they are next: those that were repeated least often first."""
    return sorted(recipes, key=lambda one: done.get(one.trial, 0))


def final_attributes(one: SearchedRecipe, *, epochs: int, seed: int, position: int) -> dict[str, Any]:
    """User attributes of a final training; `position`: how often the recipe was repeated before."""
    recipe = {**one.recipe, "epochs": epochs, "seed": final_seed(seed, trial=one.trial, position=position)}
    return {
        PHASE_ATTRIBUTE: FINAL_PHASE,
        RECIPE_ATTRIBUTE: recipe,
        REPEATS_ATTRIBUTE: {"trial": one.trial, "value": one.value, "epochs": one.epochs, "seed": position},
    }


def final_seed(seed: int, *, trial: int, position: int) -> int:
    """The seed of a final training: independent of the search's, which count up, and of a confirmation's."""
    state = np.random.SeedSequence((seed, trial, position, STREAM)).generate_state(1, np.uint64)
    return int(state[0] % (MAX_SEED + 1))


def best_recipes_of_search(connection: Connection, study_id: int, *, count: int = RECIPES) -> list[SearchedRecipe]:
    """The best `count` different recipes of complete trials of the search, the best first.

    Seeds and epochs make no difference: of trials with the same recipe the best one counts.
    """
    rows = connection.execute(
        text(
            f"""
            SELECT number, value, recipes.value_json AS recipe,
                   (SELECT avg(seconds) FROM automl_epochs WHERE automl_epochs.trial_id = complete_trials.trial_id)
                   AS seconds_an_epoch
            FROM {COMPLETE_TRIALS} JOIN trial_user_attributes AS recipes USING (trial_id)
            WHERE study_id = :study AND recipes.key = :recipe AND NOT EXISTS (
                SELECT FROM trial_user_attributes AS phases
                WHERE phases.trial_id = complete_trials.trial_id AND phases.key = :phase)
            {BEST_FIRST} LIMIT :most
            """
        ),
        {"study": study_id, "recipe": RECIPE_ATTRIBUTE, "phase": PHASE_ATTRIBUTE, "most": MOST_READ},
    )
    found: dict[str, SearchedRecipe] = {}
    for row in rows:
        recipe = json.loads(row.recipe)
        if row.seconds_an_epoch:  # None: the trial was imported without its epochs
            one = SearchedRecipe(row.number, row.value, recipe, row.seconds_an_epoch)
            found.setdefault(json.dumps(recipe | {"seed": 0, "epochs": 0}, sort_keys=True), one)
    return list(found.values())[:count]


def least_needed_seconds(connection: Connection, study_id: int) -> float:
    """Time, in seconds, that the fastest of the recipes known so far needs for a start; 0 before one is complete."""
    known = best_recipes_of_search(connection, study_id, count=MOST_READ)
    needs = [needed_seconds(least_epochs(one.epochs), seconds_an_epoch=one.seconds_an_epoch) for one in known]
    return min(needs, default=0.0)


def _repetitions(connection: Connection, study_id: int) -> Counter[int]:
    """How often the recipe of each trial of the search was enqueued for final training."""
    documents = connection.scalars(
        text(
            "SELECT value_json FROM trial_user_attributes JOIN trials USING (trial_id)"
            " WHERE study_id = :study AND key = :key"
        ),
        {"study": study_id, "key": REPEATS_ATTRIBUTE},
    )
    return Counter(json.loads(document)["trial"] for document in documents)
