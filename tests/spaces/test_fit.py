"""Spaces cut down to what fits the images."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.errors import SpaceError
from automl.models.geometry import check_fits
from automl.spaces.file import load_space
from automl.spaces.space import SearchSpace
from tests.spaces.sampled import recipes

STEMS = ["conv3", "strided3", "pooled7"]


def space_of(**parameters: dict[str, Any]) -> SearchSpace:
    return load_space({"parameters": parameters})


def test_stems_that_leave_no_room_are_dropped_and_the_depth_is_clipped() -> None:
    space = space_of(stem={"values": STEMS}, depth={"min": 0, "max": 5}).fitted_to((1, 8, 8))
    assert space.notes == (
        "stem: conv3, strided3, pooled7 became conv3 to fit 8×8 pixels",
        "depth: 0 to 5 became 0 to 3 to fit 8×8 pixels",
    )


def test_stems_with_room_for_three_stages_stay_and_clip_the_depth() -> None:
    space = space_of(stem={"values": STEMS}, depth={"min": 1, "max": 5}).fitted_to((3, 48, 64))
    assert space.notes == ("depth: 1 to 5 became 1 to 3 to fit 48×64 pixels",)


def test_parameters_that_can_no_longer_be_live_are_left_out() -> None:
    deep = {"values": [8, 16], "when": {"depth": [4, 5]}}
    space = space_of(depth={"min": 1, "max": 5}, width=deep).fitted_to((1, 8, 8))
    assert [parameter.name for parameter in space.parameters] == ["depth"]
    assert space.notes[-1] == "width: left out, because its condition can no longer be met"


def test_first_recipes_that_no_longer_fit_are_left_out_with_a_note() -> None:
    space = load_space({"parameters": {"depth": {"min": 0, "max": 5}}, "first": [{"depth": 5}, {"depth": 2}]})
    fitted = space.fitted_to((1, 8, 8))
    assert fitted.first == ({"depth": 2},)
    assert fitted.notes[-1] == "first: entry 1 left out: depth = 5 is outside: the space takes 0 to 3"


def test_nothing_that_fits_is_an_error_that_says_the_depth() -> None:
    message = (
        "No combination of this space fits images of 8×8 pixels: they leave room for 3 stages with the stem conv3, "
        "and depth can be no less than 4. Let depth go down to 3."
    )
    with pytest.raises(SpaceError, match=re.escape(message)):
        space_of(depth={"values": [4, 5]}).fitted_to((1, 8, 8))


def test_colours_are_off_on_gray_images_and_said_to_be() -> None:
    colours = {"saturation": {"values": [0.0, 0.3]}, "hue": {"value": 0.05}, "depth": {"min": 0, "max": 2}}
    space = load_space({"parameters": colours, "first": [{"saturation": 0.3, "depth": 1}]})
    gray, coloured = space.fitted_to((1, 16, 16)), space.fitted_to((3, 16, 16))
    assert gray.notes == ("saturation, hue: without effect on gray images",)
    assert {(recipe.saturation, recipe.hue) for recipe in recipes(gray, 8)} == {(0.0, 0.0)}
    assert gray.first == ({"depth": 1},)
    assert len(gray.grid()) == 3
    assert coloured == space


def test_colours_that_are_off_anyway_are_not_mentioned() -> None:
    assert space_of(saturation={"value": 0}, depth={"value": 1}).fitted_to((1, 16, 16)).notes == ()


def test_quarter_turns_of_oblong_images_are_said_to_be_half_turns() -> None:
    space = space_of(rot90={"value": 0.5})
    assert space.fitted_to((3, 16, 18)).notes == ("rot90: oblong images are turned by 180 degrees only",)
    assert space.fitted_to((3, 16, 16)).notes == ()


def test_resolutions_of_more_than_twice_the_images_are_dropped_with_a_note() -> None:
    values = {"values": [0, 16, 32, 64]}
    one_stage = {"value": 1}
    assert space_of(resolution=values, depth=one_stage).fitted_to((1, 8, 8)).notes == (
        "resolution: 0, 16, 32, 64 became 0, 16: 2 times 8 pixels is the most",
    )
    assert space_of(resolution={"min": 8, "max": 64}, depth=one_stage).fitted_to((3, 10, 20)).notes == (
        "resolution: 8 to 64 became 8 to 40: 2 times 20 pixels is the most",
    )
    assert space_of(resolution=values, depth=one_stage).fitted_to((1, 32, 20)).notes == ()


def test_images_keep_their_own_size_where_every_resolution_is_too_much() -> None:
    fitted = space_of(img_size={"values": [32, 64]}, width={"values": [4, 8]}).fitted_to((1, 8, 8))
    assert fitted.notes == ("resolution: 32, 64 became the images' own: 2 times 8 pixels is the most",)
    assert {recipe.resolution for recipe in recipes(fitted, 4)} == {0}


def test_one_fixed_resolution_is_left_as_it_is_and_gives_room() -> None:
    space = space_of(resolution={"value": 64}, depth={"min": 1, "max": 5})
    assert space.fitted_to((1, 8, 8)) == space


def test_depth_is_clipped_to_the_smallest_resolution() -> None:
    space = space_of(resolution={"values": [16, 64]}, depth={"min": 1, "max": 5})
    assert space.fitted_to((3, 50, 100)).notes == ("depth: 1 to 5 became 1 to 3 to fit 8×16 pixels at resolution 16",)
    message = "No combination of this space fits images of 8×16 pixels at resolution 16: they leave room for 3 stages"
    with pytest.raises(SpaceError, match=re.escape(message)):
        space_of(resolution={"values": [16, 64]}, depth={"value": 4}).fitted_to((3, 50, 100))


@given(
    stems=st.lists(st.sampled_from(STEMS), min_size=1, unique=True),
    downsamples=st.lists(st.sampled_from(["max_pool", "stride"]), min_size=1, unique=True),
    depths=st.lists(st.integers(0, 5), min_size=1, unique=True),
    resolutions=st.lists(st.integers(0, 100), min_size=1, unique=True),
    side=st.integers(1, 80),
)
def test_every_combination_that_is_left_fits(
    stems: list[str], downsamples: list[str], depths: list[int], resolutions: list[int], side: int
) -> None:
    kinds = {"stem": stems, "downsample": downsamples, "depth": depths, "resolution": resolutions}
    space = space_of(**{name: {"values": values} for name, values in kinds.items()})
    shape = (1, side, side + 3)
    try:
        fitted = space.fitted_to(shape)
    except SpaceError:
        assert min(depths) > 0
        return
    for recipe in recipes(fitted, 6):
        check_fits(recipe, shape)
