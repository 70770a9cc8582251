"""Spaces in Python, `package.module:function`, for conditions that a file cannot say."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from automl.errors import SpaceError
from automl.search.distributions import Trial

SpaceFunction = Callable[[Trial], Mapping[str, object]]
"""Draws from an Optuna trial and returns fields of Recipe; the rest take their defaults."""

PATTERN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function_reference(reference: str) -> bool:
    """Whether `reference` reads `package.module:function`."""
    return PATTERN.fullmatch(reference) is not None


def resolve_space_function(reference: str) -> SpaceFunction:
    """Import the function; modules in the current folder are found too.

    Raises: SpaceError if the module or the function is not there.
    """
    module_name, _, name = reference.partition(":")
    function = getattr(_import(module_name), name, None)
    if not callable(function):
        raise SpaceError(
            f"{module_name} has no function {name!r}. A space in Python is written package.module:function and is "
            "called with the trial; it returns a mapping of recipe fields."
        )
    found: SpaceFunction = function
    return found


def _import(name: str) -> object:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the user's module was found, and misses something of its own
        raise SpaceError(
            f"There is no module {name!r}: neither installed nor in the current folder {here}. "
            "A space is a shipped name, a YAML file, or package.module:function."
        ) from error


def call_space_function(reference: str, trial: Trial) -> Mapping[str, object]:
    """What the function draws from this trial.

    Raises: SpaceError if it does not return a mapping.
    """
    values = resolve_space_function(reference)(trial)
    if not isinstance(values, Mapping):
        raise SpaceError(
            f"{reference} returned {type(values).__name__}. It has to return a mapping of recipe fields, "
            "such as {'depth': 3, 'width': 32}."
        )
    return values
