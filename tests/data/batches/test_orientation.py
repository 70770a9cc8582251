from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from automl.data.batches.augmentation import affine_maps, crop, resample
from automl.data.batches.orientation import flip, sample_orientation, transpose
from automl.recipe import Recipe

Lay = Callable[[Tensor, Recipe], Tensor]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(height: int, width: int) -> Tensor:
    """One random image of 2 channels, 1 × 2 × H × W."""
    return torch.randint(0, 256, (1, 2, height, width), generator=generator(7)).float()


def by_pixels(images_BCHW: Tensor, recipe: Recipe) -> Tensor:
    orientation = sample_orientation(recipe, images_BCHW.shape, generator())
    images_BCHW = transpose(images_BCHW, orientation.transposed_B)
    return flip(flip(images_BCHW, orientation.upside_down_B, axis=2), orientation.mirrored_B, axis=3)


def by_indexing(images_BCHW: Tensor, recipe: Recipe) -> Tensor:
    orientation = sample_orientation(recipe, images_BCHW.shape, generator())
    return crop(transpose(images_BCHW, orientation.transposed_B), 0, orientation, generator())


def by_resampling(images_BCHW: Tensor, recipe: Recipe) -> Tensor:
    return resample(images_BCHW, affine_maps(recipe, images_BCHW.shape, generator()))


WAYS = pytest.mark.parametrize("lay", [by_pixels, by_indexing, by_resampling])


def counted(images_BCHW: Tensor, original_1CHW: Tensor) -> dict[tuple[int, bool], int]:
    """How many of the images are the original after so many quarter turns, and after a left-right flip or not."""
    seen: Counter[tuple[int, bool]] = Counter()
    for turns in range(4):
        for mirrored in (False, True):
            turned = original_1CHW.rot90(turns, (2, 3))
            expected = turned.flip(3) if mirrored else turned
            if expected.shape[2:] == images_BCHW.shape[2:]:
                same_B = torch.isclose(images_BCHW, expected, atol=1e-2).flatten(1).all(1)
                seen[turns, mirrored] = int(same_B.sum())
    assert sum(seen.values()) == len(images_BCHW)
    return {which: count for which, count in seen.items() if count}


@WAYS
def test_quarter_turns_are_90_180_and_270_degrees_alike(lay: Lay) -> None:
    image = noise(6, 6)
    seen = counted(lay(image.expand(900, -1, -1, -1), Recipe(quarter_turns=1)), image)
    assert set(seen) == {(1, False), (2, False), (3, False)}
    assert all(abs(count - 300) < 60 for count in seen.values())


@WAYS
def test_oblong_images_are_turned_by_180_degrees_only(lay: Lay) -> None:
    image = noise(4, 6)
    seen = counted(lay(image.expand(400, -1, -1, -1), Recipe(quarter_turns=0.5)), image)
    assert set(seen) == {(0, False), (2, False)}
    assert abs(seen[2, False] - 200) < 50


@WAYS
def test_vertical_flip_turns_its_share_upside_down(lay: Lay) -> None:
    image = noise(4, 6)
    seen = counted(lay(image.expand(400, -1, -1, -1), Recipe(vertical_flip=0.25)), image)
    assert set(seen) == {(0, False), (2, True)}  # half a turn, mirrored: upside down
    assert abs(seen[2, True] - 100) < 40


@WAYS
def test_flips_and_turns_together_reach_all_eight_orientations(lay: Lay) -> None:
    image = noise(5, 5)
    recipe = Recipe(flip=0.5, vertical_flip=0.5, quarter_turns=0.75)
    seen = counted(lay(image.expand(800, -1, -1, -1), recipe), image)
    assert len(seen) == 8
    assert all(abs(count - 100) < 45 for count in seen.values())


def test_all_ways_lay_the_same_images_the_same() -> None:
    images = noise(5, 5).expand(50, -1, -1, -1)
    recipe = Recipe(flip=0.5, vertical_flip=0.5, quarter_turns=0.75)
    torch.testing.assert_close(by_pixels(images, recipe), by_indexing(images, recipe))


def test_what_is_not_asked_for_draws_nothing() -> None:
    """A recipe from before these fields gives the same images as ever."""
    used = generator()
    sample_orientation(Recipe(flip=0.5), torch.Size((8, 1, 4, 4)), used)
    expected = generator()
    torch.rand(8, generator=expected)
    assert torch.equal(used.get_state(), expected.get_state())
