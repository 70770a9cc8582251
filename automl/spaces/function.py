"""Spaces in Python, `package.module:function`, for conditions that a file cannot express."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from automl.errors import SpaceError
from automl.own_modules import hidden_file, import_own
from automl.spaces.distributions.ranges import Trial

SpaceFunction = Callable[[Trial], Mapping[str, object]]
"""Function that samples from an Optuna trial and returns fields of Recipe. The rest take their defaults."""

OWN_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(RuntimeError, TypeError, ValueError),
)
"""Exceptions that a function raises by its own mistake. A storage that does not answer raises others."""
LIBRARY = re.compile(rf"<frozen |/site-packages/|/importlib/|^{re.escape(str(Path(__file__).parents[1]))}/")
PATTERN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_function_reference(reference: str) -> bool:
    """Whether `reference` reads `package.module:function`."""
    return PATTERN.fullmatch(reference) is not None


def resolve_space_function(reference: str) -> SpaceFunction:
    """Import the function; modules in the current folder are found too.

    Raises: SpaceError if the module or the function is not there.
    """
    module_name, _, name = reference.partition(":")
    module = _import(module_name)
    function = getattr(module, name, None)
    if not callable(function):
        raise SpaceError(
            f"{module_name} has no function {name!r}. A space in Python is written package.module:function and is "
            "called with the trial; it returns a mapping of recipe fields." + hidden_file(module)
        )
    found: SpaceFunction = function
    return found


def _import(name: str) -> ModuleType:
    try:
        return import_own(name)
    except (Exception, SystemExit) as error:  # a user's module may fail in any way while it is imported
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if missing is None or not f"{name}.".startswith(f"{missing}."):
            raise SpaceError(f"{name} cannot be imported: {_where_and_why(error)}. Repair it there.") from error
        raise SpaceError(
            f"There is no module {name!r}: neither installed nor in the current folder {Path.cwd()}. "
            "A space is a shipped name, a YAML file, or package.module:function."
        ) from error


def _where_and_why(error: BaseException) -> str:
    """`space.py:7: ZeroDivisionError: division by zero`, the line being the last one that is not a library's."""
    why = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}: {type(error).__name__}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not LIBRARY.search(frame.filename)]
    return f"{own[-1].filename}:{own[-1].lineno}: {why}" if own else why


def call_space_function(reference: str, trial: Trial) -> Mapping[str, object]:
    """What the function samples from this trial.

    Raises: SpaceError if it fails, or does not return a mapping.
    """
    function = resolve_space_function(reference)
    try:
        values = function(trial)
    except OWN_ERRORS as error:
        raise SpaceError(f"{reference} failed: {_where_and_why(error)}. Repair it there.") from error
    if not isinstance(values, Mapping):
        raise SpaceError(
            f"{reference} returned {type(values).__name__}. It has to return a mapping of recipe fields, "
            "such as {'depth': 3, 'width': 32}."
        )
    return values
