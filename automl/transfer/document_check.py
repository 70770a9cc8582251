"""A study's document, looked at whole before anything of it is written: a study that is in a database can be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import FrozenTrial

from automl.data.sizing import LARGEST_SIDE
from automl.errors import AutomlError, StudyError
from automl.recipe import FIELDS
from automl.spaces.parameters import Parameter
from automl.storage.attributes import RECIPE_ATTRIBUTE, SPECIFICATION_ATTRIBUTE
from automl.storage.optuna_internals import validate_trial
from automl.study.specification import Specification
from automl.transfer.document_forms import STUDY, TRIAL
from automl.transfer.frozen import frozen_trial

DAMAGE = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading a document raises where it is not what we wrote."""
MOST_CHANNELS = 16
FINISHED = ("COMPLETE", "PRUNED", "FAIL")


def check_contents(study: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> None:
    """See that every part is what is written there, and that the parts fit together.

    Raises: StudyError that names the first one that is not.
    """
    try:
        STUDY(study, "study")
        _check_specification(Specification.from_dict(study["user_attributes"][SPECIFICATION_ATTRIBUTE]))
        for index, trial in enumerate(trials):
            TRIAL(trial, f"trial {index}")
            _check_trial(trial, index)
    except (*DAMAGE, AutomlError) as error:
        raise StudyError(
            f"The study is damaged: {str(error) or type(error).__name__}. Use another backup, or another copy of it."
        ) from error


def _check_specification(specification: Specification) -> None:
    """See that it can be put into words, and a trial be drawn from its space."""
    channels, *sides = specification.data.image_shape
    if not 1 <= channels <= MOST_CHANNELS or not all(1 <= side <= LARGEST_SIDE for side in sides):
        raise ValueError(f"images of shape {specification.data.image_shape}")
    if not specification.data.class_names:
        raise ValueError("no class names")
    known: set[str] = set()
    for parameter in specification.space.parameters:
        if not known.issuperset(condition.parameter for condition in parameter.when):
            raise ValueError(f"{parameter.name} depends on a parameter that is not before it")
        _check_parameter(parameter)
        known.add(parameter.name)
    specification.space.first_recipes()
    specification.space.epochs_range()


def _check_parameter(parameter: Parameter) -> None:
    distribution = parameter.distribution
    for value in distribution.values() or (distribution.nearest(0), distribution.nearest(2**31)):
        if problem := FIELDS[parameter.name].problem(value):
            raise ValueError(problem)
    str(distribution)
    parameter.spec()
    for condition in parameter.when:
        str(condition)


def _check_trial(trial: Mapping[str, Any], index: int) -> None:
    """See that a trial has what its state says, and Optuna's rules hold."""
    if trial["number"] != index:
        raise ValueError(f"trial {trial['number']} is in the place of trial {index}")
    if trial["state"] in FINISHED and None in (trial["started_at"], trial["completed_at"]):
        raise ValueError(f"trial {index} is finished and has no time")
    if trial["state"] == "COMPLETE" and not (trial["epochs"] and trial["user_attributes"].get(RECIPE_ATTRIBUTE)):
        raise ValueError(f"trial {index} is complete and has no epoch or no recipe")
    if trial["state"] == "WAITING" and trial["value"] is not None:
        raise ValueError(f"trial {index} waits and has a value")
    if len({epoch["epoch"] for epoch in trial["epochs"]}) < len(trial["epochs"]):
        raise ValueError(f"trial {index} has an epoch twice")
    found: FrozenTrial = frozen_trial(trial)
    validate_trial(found)
