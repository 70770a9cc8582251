from __future__ import annotations

import re
import subprocess
import sys
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import ModelError
from automl.models.building import build_model
from automl.models.family import Network
from automl.models.geometry import Downsample, Stem, check_fits, halvings, input_shape, largest_depth, spatial_size
from automl.recipe import Recipe

stems = st.sampled_from(get_args(Stem))
downsamples = st.sampled_from(get_args(Downsample))
sides = st.integers(1, 40)


@given(stem=stems, downsample=downsamples, depth=st.integers(1, 5), height=sides, width=sides)
@settings(max_examples=60, deadline=None)
def test_spatial_size_is_that_of_the_built_network(
    stem: Stem, downsample: Downsample, depth: int, height: int, width: int
) -> None:
    recipe = Recipe(stem=stem, downsample=downsample, depth=depth, width=1)
    shape = (1, height, width)
    if depth > largest_depth(stem, downsample, shape):
        with pytest.raises(ModelError):
            build_model(recipe, shape, 2)
        return
    network = build_model(recipe, shape, 2).eval()
    assert isinstance(network, Network)
    features = network.stages(network.stem(torch.zeros(1, *shape)))
    assert features.shape[2:] == spatial_size(recipe, shape)


@pytest.mark.parametrize(
    ("stem", "downsample", "side", "depth"),
    [
        ("conv3", "max_pool", 8, 3),
        ("conv3", "max_pool", 48, 5),
        ("strided3", "max_pool", 8, 2),
        ("pooled7", "max_pool", 8, 1),
        ("conv3", "stride", 8, 4),
        ("conv3", "max_pool", 1, 0),
        ("conv3", "stride", 1, 1),
        ("pooled7", "stride", 2, 0),
    ],
)
def test_largest_depth_leaves_two_pixels_to_every_halving(
    stem: Stem, downsample: Downsample, side: int, depth: int
) -> None:
    assert largest_depth(stem, downsample, (3, side, 64)) == depth


def test_a_pooling_ends_every_stage_and_a_stride_starts_each_but_the_first() -> None:
    assert [halvings("max_pool", depth) for depth in range(4)] == [0, 1, 2, 3]
    assert [halvings("stride", depth) for depth in range(4)] == [0, 0, 1, 2]


def test_refusal_names_the_depth_that_fits() -> None:
    sentence = (
        "depth = 4 with stem conv3 and downsample max_pool does not fit images of 8 × 9 pixels: "
        "they cannot be halved that often. Use depth 3 or less."
    )
    with pytest.raises(ModelError, match=re.escape(sentence)):
        check_fits(Recipe(depth=4), (1, 8, 9))
    with pytest.raises(ModelError, match=re.escape("Use depth 0, the multilayer perceptron.")):
        check_fits(Recipe(depth=1), (1, 1, 9))
    check_fits(Recipe(depth=0), (1, 1, 1))


def test_geometry_does_not_import_torch() -> None:
    code = "import sys, automl.models.geometry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [(0, (3, 100, 60)), (100, (3, 100, 60)), (32, (3, 32, 19)), (200, (3, 200, 120)), (1, (3, 1, 1))],
)
def test_longer_side_becomes_the_resolution(resolution: int, expected: tuple[int, int, int]) -> None:
    recipe = Recipe(resolution=resolution)
    assert input_shape(recipe, (3, 100, 60)) == expected
    assert input_shape(recipe, expected) == expected


def test_room_for_stages_is_that_of_the_network_s_input() -> None:
    check_fits(Recipe(depth=5, resolution=32), (1, 8, 8))
    assert spatial_size(Recipe(depth=2, resolution=32), (1, 8, 6)) == (8, 6)
    assert spatial_size(Recipe(depth=0, resolution=32), (1, 8, 6)) == (32, 24)
    sentence = (
        "depth = 4 with stem conv3 and downsample max_pool does not fit images of 8 × 6 pixels at resolution 8: "
        "they cannot be halved that often. Use depth 2 or less."
    )
    with pytest.raises(ModelError, match=re.escape(sentence)):
        check_fits(Recipe(depth=4, resolution=8), (3, 100, 75))
