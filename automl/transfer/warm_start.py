"""Warm start: finished trials of one study, imported into another whose space they fit."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import optuna
from optuna.storages import RDBStorage
from optuna.trial import FixedTrial, FrozenTrial, TrialState, create_trial
from sqlalchemy import text

from automl.artifacts.artifact_records import WEIGHTS
from automl.artifacts.store import ArtifactStore, copy_file
from automl.artifacts.weights import weights_name
from automl.errors import StudyError
from automl.recipe import Recipe, Value
from automl.results.note_writing import write_missing_trial_notes
from automl.spaces.space import SearchSpace
from automl.storage.attributes import IMPORTED_FROM_ATTRIBUTE, MILLISECONDS_ATTRIBUTE, RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.optuna_internals import (
    SearchStorage,
    artifact_record,
    copy_trial,
    engine_of,
    frozen_trial_id_of,
)
from automl.storage.optuna_storage import open_storage
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.limits import excess
from automl.study.record import StudyRecord


@dataclass(frozen=True)
class ImportedTrials:
    """What a warm start found in another study."""

    imported: int
    """Number of trials that the new study has."""
    left: int
    """Number of trials that do not fit its space or its limits."""


def import_trials(
    database: Database, old: StudyRecord, new: StudyRecord, *, artifacts: ArtifactStore
) -> ImportedTrials:
    """Copy the complete and pruned trials of `old` that `new`'s space could have sampled, with epochs and weights.

    They count against the budget of `new`. Called again, it copies only what is not there yet.

    Raises: StudyError if the two search on other data or for another metric: their values do not compare.
    """
    _check_comparable(old, new)
    storage = open_storage(database)
    source = optuna.load_study(study_name=old.name, storage=SearchStorage(storage))  # without final trainings
    target = optuna.load_study(study_name=new.name, storage=storage)
    present = {trial.user_attrs.get(IMPORTED_FROM_ATTRIBUTE) for trial in target.get_trials(deepcopy=False)}
    finished = source.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
    imported = 0
    for trial in finished:
        sampled = _sampled_again(trial, new.specification.space) if _is_within(storage, trial, new) else None
        origin = f"{old.name}/{trial.number}"
        imported += sampled is not None
        if sampled is not None and origin not in present:
            _copy(storage, target, trial, sampled, origin, artifacts=artifacts)
    with engine_of(storage).begin() as connection:
        write_missing_trial_notes(connection, new)
    engine_of(storage).dispose()
    return ImportedTrials(imported, len(finished) - imported)


def _check_comparable(old: StudyRecord, new: StudyRecord) -> None:
    for what, mine, other in (
        ("data", old.specification.data.fingerprint[:12], new.specification.data.fingerprint[:12]),
        ("metric", old.specification.metric, new.specification.metric),
        ("network", old.specification.model or "automl's own", new.specification.model or "automl's own"),
        ("seed (it cuts the splits)", old.specification.seed, new.specification.seed),
    ):
        if mine != other:
            raise StudyError(
                f"Trials of {old.name} do not compare with {new.name}: {what} is {mine} there and {other} here. "
                f"Study {new.name} was created without them."
            )


def _is_within(storage: RDBStorage, trial: FrozenTrial, new: StudyRecord) -> bool:
    """Whether the trial's network is known to be within the limits of `new`."""
    specification = new.specification
    with engine_of(storage).connect() as connection:
        parameters = connection.scalar(
            text("SELECT parameters FROM automl_trials WHERE trial_id = :trial_id"),
            {"trial_id": frozen_trial_id_of(trial)},
        )
    milliseconds = trial.user_attrs.get(MILLISECONDS_ATTRIBUTE)
    if specification.max_parameters is not None and parameters is None:
        return False
    if specification.max_milliseconds is not None and milliseconds is None:
        return False
    return excess(specification, parameters=parameters or 0, milliseconds=milliseconds or 0.0) is None


def _sampled_again(trial: FrozenTrial, space: SearchSpace) -> FixedTrial | None:
    """The parameters with which `space` samples the trial's recipe, or None if it cannot."""
    recipe = Recipe.from_mapping(trial.user_attrs[RECIPE_ATTRIBUTE])
    values = _live_values(space, recipe)
    if space.problems(values):
        return None
    fixed = FixedTrial({**trial.params, **space.optuna_params(values)})
    try:
        sampled = space.suggest(fixed, seed=recipe.seed)
    except ValueError:  # a space in Python asked for a parameter that the trial does not have
        return None
    return fixed if sampled == recipe else None  # what the space fixes, or leaves out, may have another value


def _live_values(space: SearchSpace, recipe: Recipe) -> dict[str, Value]:
    """Values that this recipe gives to the parameters that the space would search for it."""
    whole, live = recipe.as_dict(), dict[str, Value]()
    for parameter in space.parameters:
        if parameter.is_active(live):
            live[parameter.name] = whole[parameter.name]
    return {
        parameter.name: live[parameter.name]
        for parameter in space.parameters
        if parameter.is_searched and parameter.name in live
    }


def _copy(
    storage: RDBStorage,
    target: optuna.Study,
    trial: FrozenTrial,
    sampled: FixedTrial,
    origin: str,
    *,
    artifacts: ArtifactStore,
) -> None:
    """Add the trial with its epochs, its size and its weights; files first, then the record that names them."""
    old_id = frozen_trial_id_of(trial)
    copied = create_trial(
        state=trial.state,
        value=trial.value,
        params=sampled.params,
        distributions=sampled.distributions,
        user_attrs={**trial.user_attrs, IMPORTED_FROM_ATTRIBUTE: origin},
        system_attrs=_copied_weights(storage, old_id, artifacts),
        intermediate_values=trial.intermediate_values,
    )
    new_id = copy_trial(target, copied)
    columns = ", ".join(EPOCH_COLUMNS)
    with engine_of(storage).begin() as connection:
        for statement in (
            f"INSERT INTO automl_epochs (trial_id, {columns}) "
            f"SELECT :new, {columns} FROM automl_epochs WHERE trial_id = :old",
            "INSERT INTO automl_trials (trial_id, epochs, parameters, threads) "
            "SELECT :new, epochs, parameters, threads FROM automl_trials WHERE trial_id = :old",
        ):
            connection.execute(text(statement), {"new": new_id, "old": old_id})


def _copied_weights(storage: RDBStorage, trial_id: int, artifacts: ArtifactStore) -> dict[str, str]:
    """Copy the weights of a trial, if they were kept; the system attribute that names the copy."""
    with engine_of(storage).connect() as connection:
        weights = weights_name(connection, trial_id)
    if weights is None:
        return {}
    artifact_id = str(uuid.uuid4())
    try:
        copy_file(artifacts, weights, artifacts, artifact_id)
    except FileNotFoundError:  # deleted, or never there
        return {}
    return dict([artifact_record(artifact_id, filename=WEIGHTS)])
