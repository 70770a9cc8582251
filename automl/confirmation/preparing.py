"""Create the study of a confirmation, and queue the best recipes of its search with new seeds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StudyError
from automl.recipe import MAX_SEED, Recipe, Value
from automl.results.best import best_trial
from automl.results.note_writing import write_study_note
from automl.storage.advisory_locks import Lock, lock
from automl.storage.attributes import CONFIRMS_ATTRIBUTE, RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage, enqueue_waiting_trial
from automl.storage.optuna_storage import open_storage
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS
from automl.study.consent import check_consent
from automl.study.creation import create_or_continue
from automl.study.granting import Budget
from automl.study.record import StudyRecord, find_study, study_names
from automl.study.specification import Confirms, Specification

SUFFIX = "-confirmed"
"""Suffix of a search's name, for the study that confirms it."""
KEEP_ALL = 2**31 - 1


@dataclass(frozen=True)
class Repetition:
    """One recipe of the search to be trained again."""

    trial: int
    value: float
    """Value in the search."""
    recipe: Recipe


def prepare_confirmation(
    database: Database,
    search: StudyRecord,
    *,
    name: str | None = None,
    top: int,
    seeds: int,
    epochs_factor: float | None = None,
    seconds: float | None = None,
) -> StudyRecord:
    """Create or continue the study that trains the best `top` recipes of `search` with `seeds` seeds each.

    Called again, it queues what is missing: more seeds, more recipes, or those that are better by now.
    `epochs_factor`: None leaves it as it was, 1 at first. `seconds`: of training in all; None leaves it as it was,
    without a limit at first.

    Raises: StudyError if no trial of `search` is complete, or a study of this name is something else,
        or if the search names code that nobody let it import.
    """
    check_consent(search)
    name = name or search.name + SUFFIX
    with database.engine.connect() as connection:
        had = _epochs_factor(connection, name, search)
        times = epochs_factor or had or 1.0
        if had not in (None, times):
            raise StudyError(
                f"Study {name} trains for {had:g} times the epochs, this command asks for {times:g} times, and their "
                f"means would not compare. Leave --epochs-factor out to continue it, or begin another with --name NAME."
            )
        wanted = best_recipes(connection, search, top, known=_known(connection, name))
    stretched = [dataclasses.replace(one, recipe=_stretched(one.recipe, times)) for one in wanted]
    record = create_or_continue(database, name, _specification(search, times), Budget(seconds=seconds))
    with database.engine.begin() as connection:
        write_study_note(connection, record)
    storage = open_storage(database)
    try:
        _queue(storage, record, stretched, seeds=seeds)
    finally:
        storage.remove_session()
    with database.engine.connect() as connection:
        return find_study(connection, name)


def _specification(search: StudyRecord, epochs_factor: float) -> Specification:
    """The search's specification, but nothing is sampled, pruned or deleted."""
    return dataclasses.replace(
        search.specification,
        sampler="random",
        pruner="none",
        keep=KEEP_ALL,
        final_share=0.0,
        confirms=Confirms(study=search.name, uid=search.uid, epochs_factor=epochs_factor),
    )


def _epochs_factor(connection: Connection, name: str, search: StudyRecord) -> float | None:
    """Epochs factor of the confirmation of this name. None if there is none.

    Raises: StudyError if the study of this name is something else.
    """
    if name not in study_names(connection):
        return None
    confirms = find_study(connection, name).specification.confirms
    if confirms is None or confirms.uid != search.uid:
        raise StudyError(
            f"Study {name} exists and does not confirm this {search.name}. Choose another name with --name NAME."
        )
    return confirms.epochs_factor


def best_recipes(
    connection: Connection, search: StudyRecord, top: int, *, known: frozenset[int] = frozenset()
) -> list[Repetition]:
    """The best `top` different recipes of complete trials, the best first; seeds make no difference.

    Of trials with the same recipe, one of `known` stands for all, else the best.

    Raises: StudyError if no trial is complete.
    """
    best_trial(connection, search)
    rows = connection.execute(
        text(
            f"""
            SELECT number, value, value_json AS recipe FROM {COMPLETE_TRIALS}
            JOIN trial_user_attributes AS attributes USING (trial_id)
            WHERE study_id = :study AND key = :key {BEST_FIRST}
            """
        ),
        {"study": search.study_id, "key": RECIPE_ATTRIBUTE},
    )
    groups: dict[str, list[Repetition]] = {}
    for row in rows:
        recipe = Recipe.from_mapping(json.loads(row.recipe))
        groups.setdefault(_without_seed(recipe), []).append(Repetition(row.number, row.value, recipe))
    chosen = list(groups.values())[:top]
    return [next((one for one in group if one.trial in known), group[0]) for group in chosen]


def _without_seed(recipe: Recipe) -> str:
    return json.dumps(recipe.as_dict() | {"seed": 0})


def _known(connection: Connection, name: str) -> frozenset[int]:
    """Trials of the search whose recipes this confirmation has already."""
    if name not in study_names(connection):
        return frozenset()
    return frozenset(trial for trial, _ in _present(connection, find_study(connection, name).study_id))


def _present(connection: Connection, study_id: int) -> set[tuple[int, int]]:
    """Trial of the search and position of the seed, of every trial of a confirmation."""
    documents = connection.scalars(
        text(
            "SELECT value_json FROM trial_user_attributes JOIN trials USING (trial_id)"
            " WHERE study_id = :study AND key = :key"
        ),
        {"study": study_id, "key": CONFIRMS_ATTRIBUTE},
    )
    return {(found["trial"], found["seed"]) for found in map(json.loads, documents)}


def _stretched(recipe: Recipe, epochs_factor: float) -> Recipe:
    """The recipe with so many times its epochs, over which its schedule stretches."""
    return dataclasses.replace(recipe, epochs=max(1, round(recipe.epochs * epochs_factor)))


def _queue(storage: FastStorage, record: StudyRecord, wanted: list[Repetition], *, seeds: int) -> None:
    """Queue the missing trials, all or none, and set the budget to the number of trials."""
    study = optuna.load_study(study_name=record.name, storage=storage)
    with storage.begin() as connection:
        lock(connection, Lock.QUEUE, record.study_id)
        present = _present(connection, record.study_id)
        for position in range(seeds):  # a round of all recipes after the other: each early mean is of as many seeds
            for one in wanted:
                if (one.trial, position) not in present:
                    enqueue_waiting_trial(study, {}, attributes=_attributes(record, one, position))
        connection.execute(
            text(
                "UPDATE automl_studies SET budget_trials = (SELECT count(*) FROM trials WHERE study_id = :study)"
                " WHERE study_id = :study"
            ),
            {"study": record.study_id},
        )


def _attributes(record: StudyRecord, one: Repetition, position: int) -> Mapping[str, Any]:
    recipe: dict[str, Value] = one.recipe.as_dict() | {
        "seed": new_seed(record.specification.seed, trial=one.trial, position=position)
    }
    return {
        RECIPE_ATTRIBUTE: recipe,
        CONFIRMS_ATTRIBUTE: {"trial": one.trial, "seed": position, "value": one.value},
    }


def new_seed(seed: int, *, trial: int, position: int) -> int:
    """The seed of a recipe's repetition: independent of the search's, which count up, and of all others."""
    return int(np.random.SeedSequence((seed, trial, position)).generate_state(1, np.uint64)[0] % (MAX_SEED + 1))
