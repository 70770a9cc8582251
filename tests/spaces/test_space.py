"""What a space proposes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import optuna
import pytest

from automl.errors import SpaceError
from automl.models.geometry import check_fits
from automl.recipe import FIELDS, Recipe
from automl.spaces.file import load_space, shipped_spaces
from automl.spaces.space import GRID_LIMIT, SearchSpace
from tests.spaces.sampled import random_study, recipes

CONDITIONAL = {
    "parameters": {
        "squeeze_excitation": {"values": [True, False], "when": {"block": "residual"}},
        "block": {"values": ["plain", "residual"], "when": {"depth": [1, 2]}},
        "depth": {"min": 0, "max": 2},
        "width": {"value": 16},
    }
}


def test_values_stay_inside_and_fixed_ones_are_filled_in() -> None:
    space = load_space({"parameters": {"dropout": {"min": 0.1, "max": 0.2}, "epochs": {"value": 7}}})
    drawn = recipes(space, 50)
    assert all(0.1 <= recipe.dropout <= 0.2 for recipe in drawn)
    assert {recipe.epochs for recipe in drawn} == {7}
    assert [recipe.seed for recipe in drawn] == list(range(50))


def test_conditional_parameters_are_drawn_only_where_they_are_live() -> None:
    space = load_space(CONDITIONAL)
    study = random_study()
    for _ in range(60):
        trial = study.ask()
        recipe = space.suggest(trial, seed=0)
        assert ("block" in trial.params) == (recipe.depth > 0)
        assert ("squeeze_excitation" in trial.params) == (recipe.depth > 0 and recipe.block == "residual")


def test_dead_parameters_have_the_default_of_the_recipe() -> None:
    perceptrons = [recipe for recipe in recipes(load_space(CONDITIONAL), 60) if recipe.depth == 0]
    assert perceptrons
    assert {recipe.block for recipe in perceptrons} == {FIELDS["block"].default}


def test_seed_in_the_space_wins() -> None:
    assert recipes(load_space({"parameters": {"seed": {"value": 3}}}), 1)[0].seed == 3


SMALL_AND_LARGE = [(1, 8, 8), (3, 32, 32), (3, 64, 64)]
SHAPES = {  # of every shipped space but the diary's (tests/spaces/test_seed_spaces.py)
    "default": SMALL_AND_LARGE,
    "quick": SMALL_AND_LARGE,
    "fer2013": [(1, 48, 48)],
    "fer2013-large": [(1, 48, 48)],
}


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_spaces_propose_only_what_fits(name: str) -> None:
    for image_shape in SHAPES.get(name, [(1, 48, 48)]):
        space = load_space(name).fitted_to(image_shape)
        for recipe in recipes(space, 40):
            check_fits(recipe, image_shape)


@pytest.mark.parametrize("name", SHAPES)
def test_shipped_spaces_fix_their_epochs_and_begin_with_recipes_inside(name: str) -> None:
    space = load_space(name)
    low, high = space.epochs_range()
    assert low == high
    assert space.first_recipes()
    assert [space.problems(values) for values in space.first_recipes()] == [[]] * len(space.first_recipes())


@pytest.mark.parametrize("name", SHAPES)
def test_json_and_yaml_give_the_same_space_back(name: str, tmp_path: Path) -> None:
    space = load_space(name)
    assert SearchSpace.from_dict(json.loads(json.dumps(space.as_dict()))) == space
    file = tmp_path / f"{name}.yaml"
    file.write_text(space.to_yaml())
    assert load_space(file) == space


def test_baselines_go_from_a_perceptron_to_a_residual_network() -> None:
    baselines = load_space("default").first_recipes()
    assert [recipe["depth"] for recipe in baselines] == [0, 2, 3, 3]
    assert [recipe.get("block") for recipe in baselines] == [None, "plain", "plain", "residual"]


def test_baselines_outside_the_space_are_left_out() -> None:
    space = load_space({"parameters": {"block": {"value": "residual"}, "depth": {"values": [1, 2]}}})
    assert space.first_recipes() == ({"depth": 2},)


def test_first_recipe_is_what_the_first_trial_trains() -> None:
    space = load_space("fer2013")
    study = random_study()
    study.enqueue_trial(space.optuna_params(space.first_recipes()[0]))
    recipe = space.suggest(study.ask(), seed=0)
    assert (recipe.depth, recipe.width, recipe.learning_rate, recipe.weight_decay) == (4, 32, 3e-3, 0.05)


def test_stored_values_of_every_kind_are_drawn_again() -> None:
    space = load_space(
        {
            "parameters": {
                "dropout": {"distribution": "normal", "mu": 0.4, "sigma": 0.1},
                "batch_size": {"distribution": "q_log_uniform_values", "min": 20, "max": 250, "q": 16},
                "zoom": {"distribution": "q_uniform", "min": 0.1, "max": 0.7, "q": 0.1},
                "shift": {"distribution": "q_beta", "a": 2, "b": 8, "q": 0.05},
                "weight_decay": {"distribution": "log_normal", "mu": -6, "sigma": 1},
            }
        }
    )
    for recipe in recipes(space, 20):
        wanted = {parameter.name: getattr(recipe, parameter.name) for parameter in space.parameters}
        study = random_study(seed=99)
        study.enqueue_trial(space.optuna_params(wanted))
        again = space.suggest(study.ask(), seed=recipe.seed)
        assert {name: pytest.approx(getattr(again, name), rel=1e-6) for name in wanted} == wanted


def test_grid_has_every_live_combination_once() -> None:
    grid = load_space(CONDITIONAL).grid()
    assert sorted(grid, key=str) == sorted(
        [
            {"depth": 0},
            *({"depth": depth, "block": "plain"} for depth in (1, 2)),
            *(
                {"depth": depth, "block": "residual", "squeeze_excitation": excitation}
                for depth in (1, 2)
                for excitation in (True, False)
            ),
        ],
        key=str,
    )


def test_grid_refuses_parameters_without_an_end() -> None:
    space = load_space(
        {
            "parameters": {
                "dropout": {"min": 0.0, "max": 0.5},
                "zoom": {"min": 0.0, "max": 0.5},
                "depth": {"values": [1]},
            }
        }
    )
    message = "A grid needs an end, and these have none: dropout, zoom. Give `values`"
    with pytest.raises(SpaceError, match=re.escape(message)):
        space.grid()


def test_grid_refuses_what_nobody_can_finish() -> None:
    space = load_space({"parameters": {"width": {"min": 1, "max": 1000}, "batch_size": {"min": 2, "max": 1000}}})
    with pytest.raises(SpaceError, match=re.escape(f"more than {GRID_LIMIT:,} combinations")):
        space.grid()


def test_with_value_fixes_a_field_whatever_the_space_noted() -> None:
    space = load_space("default").with_value("epochs", 2).with_value("depth", 0)
    assert {(recipe.epochs, recipe.depth) for recipe in recipes(space, 10)} == {(2, 0)}
    assert "width" not in {parameter.name for parameter in space.parameters}


def test_with_value_leaves_the_rest_of_what_is_tried_first() -> None:
    document = {"parameters": {"epochs": {"values": [10, 20]}, "depth": {"values": [1, 2]}}}
    space = load_space({**document, "first": [{"depth": 2, "epochs": 20}]}).with_value("epochs", 5)
    assert (space.first_recipes(), space.notes) == (({"depth": 2},), ())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs = 0 is not a whole number from 1 to 10000"),
        ("epoch", 3, "unknown parameter 'epoch'. Did you mean 'epochs'?"),
    ],
)
def test_with_value_refuses_what_a_recipe_cannot_have(name: str, value: int, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        load_space("quick").with_value(name, value)


def test_epochs_range_covers_the_default_where_epochs_are_conditional() -> None:
    conditional = {"depth": {"values": [1, 2]}, "epochs": {"min": 3, "max": 5, "when": {"depth": 1}}}
    assert load_space({"parameters": conditional}).epochs_range() == (3, FIELDS["epochs"].default)
    assert load_space({"parameters": {"epochs": {"values": [10, 30]}}}).epochs_range() == (10, 30)


def test_tpe_learns_in_a_conditional_space() -> None:
    space = load_space(CONDITIONAL)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    for number in range(40):
        trial = study.ask()
        study.tell(trial, float(space.suggest(trial, seed=number).squeeze_excitation))
    assert sum(trial.value or 0.0 for trial in study.trials[20:]) >= 15


def python_space(trial: optuna.Trial) -> dict[str, object]:
    """A width that depends on the depth, which a file cannot say."""
    depth = trial.suggest_int("depth", 1, 3)
    return {"depth": depth, "width": 64 // depth}


def test_space_in_python_is_called_with_the_trial() -> None:
    space = load_space(f"{__name__}:python_space")
    assert {recipe.width for recipe in recipes(space, 40)} == {64, 32, 21}
    assert SearchSpace.from_dict(space.as_dict()) == space
    assert space.first_recipes() == ()
    assert space.epochs_range() == (1, 10_000)
    assert "not fitted" in space.fitted_to((1, 8, 8)).notes[0]


def no_space(trial: optuna.Trial) -> int:
    return trial.suggest_int("depth", 1, 3)


def test_space_in_python_has_to_return_a_mapping() -> None:
    with pytest.raises(
        SpaceError, match=re.escape("no_space returned int. It has to return a mapping of recipe fields")
    ):
        recipes(load_space(f"{__name__}:no_space"), 1)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("no_such_module:space", "There is no module 'no_such_module'"),
        (f"{__name__}:missing", f"{__name__} has no function 'missing'"),
    ],
)
def test_space_in_python_that_is_not_there(reference: str, message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        load_space(reference)


def test_recipes_are_complete() -> None:
    assert all(isinstance(recipe, Recipe) for recipe in recipes(load_space("default"), 5))
