"""Finished trials of one study carried over into another whose space they fit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState, create_trial
from sqlalchemy import text

from automl.errors import StudyError
from automl.recipe import Recipe, Value
from automl.search.database import Database
from automl.search.optuna_internals import add_artifact, copy_trial, engine_of, frozen_trial_id_of
from automl.search.schema import EPOCH_COLUMNS
from automl.search.space import SearchSpace
from automl.search.storage import open_storage
from automl.search.study import StudyRecord
from automl.search.trial import RECIPE_ATTRIBUTE
from automl.search.weights import FILENAME, weights_file

CARRIED_FROM = "carried_from"
"""The trial's user attribute that names its origin: `old-study/7`."""


@dataclass(frozen=True)
class Carried:
    """How many trials went over, and how many did not fit."""

    carried: int
    left: int


def carry_over(database: Database, old: StudyRecord, new: StudyRecord, *, artifacts: Path) -> Carried:
    """Copy the complete and pruned trials of `old` that `new`'s space could have drawn, with epochs and weights.

    They count against the budget of `new`. Called again, it copies only what is not there yet.

    Raises: StudyError if the two search on other data or for another metric: their values do not compare.
    """
    _check_comparable(old, new)
    storage = open_storage(database)
    source = optuna.load_study(study_name=old.name, storage=storage)
    target = optuna.load_study(study_name=new.name, storage=storage)
    present = {trial.user_attrs.get(CARRIED_FROM) for trial in target.get_trials(deepcopy=False)}
    finished = source.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    carried = 0
    for trial in finished:
        copy = _fitted(trial, old, new)
        if copy is None:
            continue
        carried += 1
        if copy.user_attrs[CARRIED_FROM] not in present:
            _copy(storage, target, trial, copy, artifacts=artifacts)
    engine_of(storage).dispose()
    return Carried(carried, len(finished) - carried)


def _check_comparable(old: StudyRecord, new: StudyRecord) -> None:
    for what, mine, other in (
        ("data", old.specification.data.fingerprint[:12], new.specification.data.fingerprint[:12]),
        ("metric", old.specification.metric, new.specification.metric),
        ("seed (it cuts the splits)", old.specification.seed, new.specification.seed),
    ):
        if mine != other:
            raise StudyError(
                f"Trials of {old.name} do not compare with {new.name}: {what} is {mine} there and {other} here. "
                f"Study {new.name} was created without them."
            )


def _fitted(trial: FrozenTrial, old: StudyRecord, new: StudyRecord) -> FrozenTrial | None:
    """The trial as `new` would have drawn it, or None if it could not have."""
    recipe = Recipe.from_mapping(trial.user_attrs[RECIPE_ATTRIBUTE])
    space = new.specification.space
    values = _live_values(space, recipe)
    if space.problems(values):
        return None
    fixed = FixedTrial({**trial.params, **space.stored(values)})
    if space.suggest(fixed, seed=recipe.seed) != recipe:  # what the new space fixes, or leaves out, is another value
        return None
    return create_trial(
        state=trial.state,
        value=trial.value,
        params=fixed.params,
        distributions=fixed.distributions,
        user_attrs={**trial.user_attrs, CARRIED_FROM: f"{old.name}/{trial.number}"},
        intermediate_values=trial.intermediate_values,
    )


def _live_values(space: SearchSpace, recipe: Recipe) -> dict[str, Value]:
    """Values that this recipe gives to the parameters that the space would search for it."""
    whole, live = recipe.as_dict(), dict[str, Value]()
    for parameter in space.parameters:
        if parameter.is_live(live):
            live[parameter.name] = whole[parameter.name]
    return {
        parameter.name: live[parameter.name]
        for parameter in space.parameters
        if parameter.is_searched and parameter.name in live
    }


def _copy(storage: RDBStorage, target: optuna.Study, trial: FrozenTrial, copy: FrozenTrial, *, artifacts: Path) -> None:
    """Add the copy with its epochs, its size and its weights."""
    trial_id = copy_trial(target, copy)
    columns = ", ".join(EPOCH_COLUMNS)
    ids = {"new": trial_id, "old": frozen_trial_id_of(trial)}
    with engine_of(storage).begin() as connection:
        for statement in (
            f"INSERT INTO automl_epochs (trial_id, {columns}) "
            f"SELECT :new, {columns} FROM automl_epochs WHERE trial_id = :old",
            "INSERT INTO automl_trials (trial_id, epochs, parameters, threads) "
            "SELECT :new, epochs, parameters, threads FROM automl_trials WHERE trial_id = :old",
        ):
            connection.execute(text(statement), ids)
        weights = weights_file(connection, ids["old"], artifacts=artifacts)
    if weights is not None:
        beside = weights.with_name(f".{trial_id}.{FILENAME}")
        shutil.copyfile(weights, beside)
        add_artifact(storage, trial_id, artifacts, beside, filename=FILENAME)
