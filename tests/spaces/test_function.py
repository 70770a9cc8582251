"""Spaces in Python: real modules in the current folder, good ones and those that fail in every way."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest

from automl.application.plan import make_plan
from automl.application.search_options import SearchOptions
from automl.errors import RecipeError, SpaceError
from automl.settings import Settings
from automl.spaces.file import load_space
from automl.spaces.sampling import sample_recipes

MODULE = """\
def space(trial):
    deep = trial.suggest_int("depth", 0, 2)
    return {"depth": deep, "width": trial.suggest_int("width", 8, 16) if deep else 8, "epochs": 1}


def fails(trial):
    return {"depth": 1 // 0}


def bad_bounds(trial):
    return {"depth": trial.suggest_int("depth", 3, 1)}


def nothing(trial):
    return None


def unknown_field(trial):
    return {"depht": 1}


def storage_away(trial):
    raise optuna.exceptions.StorageInternalError("the server is down")


import optuna  # noqa: E402
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of a name that no other test has imported."""
    monkeypatch.chdir(tmp_path)
    name = f"space_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(MODULE)
    return name


def test_conditions_that_a_file_cannot_express_are_sampled(module: str) -> None:
    recipes = sample_recipes(load_space(f"{module}:space"), count=9)
    assert {recipe.depth for recipe in recipes} == {0, 1, 2}
    assert all(recipe.width == 8 for recipe in recipes if recipe.depth == 0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fails", "{file}:7: ZeroDivisionError: integer division or modulo by zero. Repair it there."),
        ("bad_bounds", "{file}:11: ValueError: "),
        ("nothing", "{name}:nothing returned NoneType. It has to return a mapping of recipe fields"),
    ],
)
def test_function_that_fails_is_reported_before_there_is_a_study(module: str, function: str, message: str) -> None:
    expected = message.format(file=Path(f"{module}.py").absolute(), name=module)
    with pytest.raises(SpaceError, match=re.escape(expected)):
        make_plan(
            SearchOptions(space=f"{module}:{function}", data="digits"), Settings({}), home=Path(), on_progress=None
        )


def test_field_that_no_recipe_has_is_reported(module: str) -> None:
    with pytest.raises(RecipeError, match=re.escape("'depht'")):
        sample_recipes(load_space(f"{module}:unknown_field"), count=1)


def test_database_that_is_away_is_not_taken_for_a_mistake(module: str) -> None:
    with pytest.raises(optuna.exceptions.StorageInternalError):
        sample_recipes(load_space(f"{module}:storage_away"), count=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nothing_of_this_name", ":1: ModuleNotFoundError: No module named 'nothing_of_this_name'."),
        ("def space(trial)\n    return {}", ":1: SyntaxError: expected ':'."),
        ("\nraise RuntimeError('boom')", ":2: RuntimeError: boom."),
        ("import sys\nsys.exit(5)", ":2: SystemExit: 5."),
    ],
)
def test_module_that_cannot_be_imported_is_reported_with_its_line(
    module: str, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / f"{module}_2.py").write_text(text)
    expected = f"{module}_2 cannot be imported: {tmp_path / module}_2.py{message} Repair it there."
    with pytest.raises(SpaceError, match="^" + re.escape(expected)):
        load_space(f"{module}_2:space")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{name}:nope", "{name} has no function 'nope'."),
        ("{name}:optuna", "{name} has no function 'optuna'."),
        ("{name}.deeper:space", "There is no module '{name}.deeper': neither installed nor in the current folder"),
        ("no_such_module:space", "There is no module 'no_such_module': neither installed nor in the current folder"),
    ],
)
def test_name_of_what_is_not_there_is_reported(module: str, reference: str, message: str) -> None:
    with pytest.raises(SpaceError, match="^" + re.escape(message.format(name=module))):
        load_space(reference.format(name=module))
