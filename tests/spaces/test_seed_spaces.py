"""The diary's experiments on FER2013 as files: they load without a mistake and say what the diary tried."""

from __future__ import annotations

import optuna
import pytest

from automl.recipe import Recipe, in_words
from automl.spaces.file import load_space, shipped_spaces

SEEDS = [name for name in shipped_spaces() if name.startswith("seed/")]


def middle_recipe(name: str) -> Recipe:
    space = load_space(name).fitted_to((1, 48, 48))
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return space.suggest(study.ask(), seed=0)


def test_every_experiment_of_the_diary_has_a_file() -> None:
    assert [name.split("/")[1][0] for name in SEEDS] == ["1", "2", "3", "3", "4", "5", "6"]


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_fits_fer2013_and_loses_nothing_but_colours(name: str) -> None:
    asked, fitted = load_space(name).parameters, load_space(name).fitted_to((1, 48, 48)).parameters
    assert {parameter.name for parameter in set(asked) - set(fitted)} <= {"saturation", "hue"}
    assert [parameter.name for parameter in asked] == [parameter.name for parameter in fitted]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seed/1-perceptron", "perceptron with a hidden layer of 64; no regularization; adam at 0.02"),
        ("seed/2-small-cnn", "plateau, batches of 32, 20 epochs"),
        ("seed/3-augmented-default", "dropout 0.3, weight decay 1e-05, flip, rotation at strength 1; adam at 0.001"),
        ("seed/4-residual", "4 stages of 2 residual blocks from 64 channels, average pooling, no hidden layer"),
        ("seed/5-residual-shallower", "3 stages of 2 residual blocks from"),
        ("seed/6-small-residual", "3 stages of 1 residual block from 32 channels"),
    ],
)
def test_a_seed_is_what_the_diary_trained(name: str, words: str) -> None:
    assert words in in_words(middle_recipe(name))


@pytest.mark.parametrize("name", ["seed/4-residual", "seed/5-residual-shallower", "seed/6-small-residual"])
def test_the_fixed_patience_of_a_seed_is_noted_as_replaced(name: str) -> None:
    assert any(
        note.startswith("patience: without effect here: the pruner replaces it") for note in load_space(name).notes
    )
