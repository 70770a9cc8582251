"""A trial's recipe as the file that `automl train` reads."""

from __future__ import annotations

from typing import Any

import yaml

from automl.data.sizing import AUTO
from automl.errors import StudyError
from automl.results.trials import TrialRecord
from automl.sanitize import shell_word
from automl.study.record import StudyRecord


def recipe_document(record: StudyRecord, trial: TrialRecord) -> dict[str, Any]:
    """What the file holds that `automl train` repeats the trial from.

    Raises: StudyError if the trial has no recipe yet.
    """
    if not trial.recipe:
        raise StudyError(f"Trial {trial.number} of study {record.name} has no recipe: it is {trial.state}.")
    specification = record.specification
    run: dict[str, Any] = {"metric": specification.metric, "split_seed": specification.seed}
    if specification.data.sizing.image_size is not None:
        run["image_size"] = specification.data.sizing.image_size
    if specification.data.sizing != AUTO:
        run["fit"] = specification.data.sizing.fit
    if specification.model:
        run["model"] = specification.model
    if trial.threads is not None:
        run["threads"] = trial.threads
    return {**trial.recipe, "run": run}


def recipe_yaml(record: StudyRecord, trial: TrialRecord) -> str:
    """That file, with where it comes from.

    Raises: StudyError if the trial has no recipe yet.
    """
    specification, document = record.specification, recipe_document(record, trial)
    worth = (
        f": validation {specification.metric} {trial.value:.4f} at epoch {trial.best_epoch}"
        if trial.value is not None
        else ""
    )
    reference = shell_word(specification.data.reference)  # a line end in it would end the comment
    return (
        f"# Trial {trial.number} of study {record.name}{worth}.\n"
        f"# Repeat it: automl train RECIPE.yaml --data {reference} --export model.pt\n"
        + yaml.safe_dump(document, sort_keys=False)
    )
