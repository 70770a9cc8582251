"""The space `auto` for many kinds of images, machines and budgets. A forecast is arithmetic, so nothing is measured."""

from __future__ import annotations

import pytest

from automl.models.geometry import check_fits
from automl.models.work import work_of
from automl.recipe import Recipe
from automl.spaces.auto.auto_space import DEAREST_FIRST, TRAININGS, AutoSpace, auto_space, recipe_of
from automl.spaces.auto.image_facts import ImageFacts
from automl.spaces.sampling import sample_recipes
from automl.spaces.space import SearchSpace

SETS = {
    "digits": ImageFacts(image_shape=(1, 8, 8), train=1_439, validation=179, classes=10),
    "MNIST": ImageFacts(image_shape=(1, 28, 28), train=54_000, validation=6_000, classes=10),
    "objects": ImageFacts(image_shape=(3, 32, 32), train=45_000, validation=5_000, classes=100),
    "smiles": ImageFacts(image_shape=(1, 64, 64), train=10_532, validation=1_316, classes=2, imbalance=2.6),
    "signs": ImageFacts(image_shape=(3, 100, 100), train=1_650, validation=206, classes=10),
    "insects": ImageFacts(image_shape=(3, 224, 224), train=244, validation=153, classes=2),
    "banners": ImageFacts(image_shape=(1, 20, 200), train=3_000, validation=300, classes=3),
    "lines": ImageFacts(image_shape=(1, 1, 12), train=300, validation=30, classes=2),
}
BUDGETS = (None, 30.0, 600.0, 3_600.0, 86_400.0)
SECONDS_A_MULTIPLY_ACCUMULATE, SECONDS_A_LAYER = 1e-10, 1e-4


def built(facts: ImageFacts, worker_seconds: float | None = None, **options: bool | int) -> AutoSpace:
    """The space, where every network costs its multiply-accumulates and its layers."""

    def seconds_an_epoch(recipe: Recipe) -> float:
        work = work_of(recipe, facts.image_shape, facts.classes)
        steps = max(facts.train // recipe.batch_size, 1)
        return (
            facts.train * work.multiply_accumulates * SECONDS_A_MULTIPLY_ACCUMULATE
            + steps * len(work.layers) * SECONDS_A_LAYER
        )

    return auto_space(facts, seconds_an_epoch=seconds_an_epoch, worker_seconds=worker_seconds, **options)  # type: ignore[arg-type]


def values_of(space: SearchSpace, name: str) -> tuple[object, ...]:
    """All values of a parameter."""
    (parameter,) = (parameter for parameter in space.parameters if parameter.name == name)
    return parameter.distribution.values() or ()


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("worker_seconds", BUDGETS)
def test_every_recipe_fits_the_images(name: str, worker_seconds: float | None) -> None:
    facts, auto = SETS[name], built(SETS[name], worker_seconds)
    fitted = auto.space.fitted_to(facts.image_shape)
    assert fitted.parameters == auto.space.parameters
    for recipe in (
        *sample_recipes(auto.space, count=10),
        *(recipe_of(auto.space, values) for values in auto.space.first),
    ):
        check_fits(recipe, facts.image_shape)
    assert auto.space.first
    assert all(auto.space.problems(values) == [] for values in auto.space.first)
    assert SearchSpace.from_dict(auto.space.as_dict()) == auto.space


@pytest.mark.parametrize("name", SETS)
def test_training_takes_its_part_of_a_worker_s_time(name: str) -> None:
    seconds = 3_600.0
    auto = built(SETS[name], seconds)
    assert auto.training_seconds is not None
    assert auto.training_seconds <= seconds / TRAININGS
    assert auto.first_seconds == tuple(sorted(auto.first_seconds))
    assert all(first <= DEAREST_FIRST * seconds / TRAININGS for first in auto.first_seconds)


def test_more_time_never_means_fewer_epochs_of_the_same_networks() -> None:
    epochs = [built(SETS["lines"], seconds).epochs for seconds in (2.0, 20.0, 200.0)]
    assert epochs == sorted(epochs)
    assert epochs[0] < epochs[-1]


def test_little_time_leaves_the_cheapest_network_and_some_epochs() -> None:
    auto = built(SETS["objects"], 30.0)
    assert [values_of(auto.space, name) for name in ("width", "depth", "stem")] == [(16,), (3,), ("strided3",)]
    assert auto.epochs == 2
    assert len(auto.first_seconds) == 1


def test_photographs_are_seen_smaller_and_small_images_as_they_are() -> None:
    day = 86_400.0
    assert values_of(built(SETS["insects"], day).space, "resolution") == (32, 48, 64, 96)
    assert values_of(built(SETS["smiles"], day).space, "resolution") == (32, 48, 64)
    assert values_of(built(SETS["MNIST"], day).space, "resolution") == (28,)
    assert values_of(built(SETS["digits"], day).space, "resolution") == (8, 16)


def test_few_images_get_small_batches_more_epochs_and_more_regularization() -> None:
    few, many = built(SETS["insects"]), built(SETS["MNIST"])
    assert values_of(few.space, "batch_size") == (16,)
    assert values_of(many.space, "batch_size") == (128,)
    assert few.epochs > many.epochs
    strengths = [
        next(p for p in auto.space.parameters if p.name == "augmentation_strength").distribution.nearest(3)
        for auto in (few, many)
    ]
    assert strengths == [2.0, 1.4]


def test_weights_of_classes_are_searched_where_classes_differ() -> None:
    assert values_of(built(SETS["smiles"]).space, "class_weights") == ("none", "square_root", "balanced")
    assert values_of(built(SETS["signs"]).space, "class_weights") == ("none",)


def test_network_of_ones_own_keeps_its_fields() -> None:
    auto = auto_space(SETS["signs"], seconds_an_epoch=None, worker_seconds=600.0, own_network=True)
    names = {parameter.name for parameter in auto.space.parameters}
    assert names.isdisjoint({"width", "depth", "resolution", "stem", "block"})
    assert {"learning_rate", "dropout", "epochs"} <= names
    assert (auto.training_seconds, auto.first_seconds) == (None, ())
    assert auto.search_seconds(trials=30, workers=2) is None


def test_epochs_that_are_asked_for_stay() -> None:
    assert values_of(built(SETS["signs"], 600.0, epochs=7).space, "epochs") == (7,)


def test_what_was_left_out_for_the_time_is_told() -> None:
    auto = built(SETS["signs"], 120.0)
    (width,) = (parameter for parameter in auto.space.parameters if parameter.name == "width")
    assert width.note.startswith("searched, as far as the time goes; for this time without ")


def test_each_row_says_why() -> None:
    assert all(parameter.note for parameter in built(SETS["signs"]).space.parameters)
