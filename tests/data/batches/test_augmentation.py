from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from automl.data.batches import augmentation
from automl.data.batches.augmentation import Augmentation
from automl.data.batches.normalization import Normalization
from automl.recipe import Recipe

NORMALIZATION = Normalization((0.5,), (0.25,))
EVERYTHING = Recipe(
    flip=0.5,
    vertical_flip=0.5,
    quarter_turns=0.5,
    rotation_degrees=20,
    shift=0.1,
    zoom=0.2,
    pad_pixels=2,
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=0.1,
    erasing=0.5,
    blur=0.5,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, height: int = 9, width: int = 12, channels: int = 1) -> Tensor:
    """Random uint8 images, B × H × W × C."""
    return torch.randint(0, 256, (count, height, width, channels), dtype=torch.uint8, generator=generator(7))


def augmented(recipe: Recipe, images_BHWC: Tensor, seed: int = 0) -> Tensor:
    return Augmentation(recipe, NORMALIZATION)(images_BHWC, generator=generator(seed))


def normalized(images_BHWC: Tensor) -> Tensor:
    return (images_BHWC.permute(0, 3, 1, 2) / 255 - 0.5) / 0.25


def test_without_augmentation_pixels_are_only_normalized() -> None:
    torch.testing.assert_close(augmented(Recipe(), noise(5)), normalized(noise(5)))


def test_strength_0_turns_everything_off_but_flips_and_turns() -> None:
    recipe = dataclasses.replace(EVERYTHING, augmentation_strength=0, flip=0, vertical_flip=0, quarter_turns=0)
    torch.testing.assert_close(augmented(recipe, noise(5)), normalized(noise(5)))


def test_strength_multiplies_within_the_fields_ranges() -> None:
    recipe = augmentation.with_strength(dataclasses.replace(EVERYTHING, augmentation_strength=3, contrast=0.5))
    assert recipe.rotation_degrees == pytest.approx(60)
    assert recipe.shift == pytest.approx(0.3)
    assert recipe.pad_pixels == 6
    assert (recipe.flip, recipe.contrast, recipe.erasing) == (0.5, 1.0, 1.0)
    assert recipe.augmentation_strength == 1


@pytest.mark.parametrize(
    "recipe", [EVERYTHING, Recipe(flip=0.5, pad_pixels=2, mixup=0.2), Recipe(vertical_flip=0.5, quarter_turns=0.5)]
)
def test_the_generator_alone_decides(recipe: Recipe) -> None:
    images = noise(16)
    assert torch.equal(augmented(recipe, images, seed=3), augmented(recipe, images, seed=3))
    assert not torch.equal(augmented(recipe, images, seed=3), augmented(recipe, images, seed=4))


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(rotation_degrees=20),
        Recipe(shift=0.2),
        Recipe(zoom=0.3),
        Recipe(brightness=0.3),
        Recipe(contrast=0.3),
        Recipe(erasing=1),
        Recipe(blur=1),
    ],
)
def test_every_image_gets_a_change_of_its_own(recipe: Recipe) -> None:
    images = noise(1, height=16, width=16).expand(8, -1, -1, -1)
    assert len({image.numpy().tobytes() for image in augmented(recipe, images)}) == 8


@pytest.mark.parametrize("other", [Recipe(), Recipe(shift=1e-7)], ids=["by indexing", "by resampling"])
def test_flip_mirrors_left_to_right(other: Recipe) -> None:
    always = dataclasses.replace(other, flip=1.0)
    torch.testing.assert_close(augmented(always, noise(4)), normalized(noise(4)).flip(3), atol=1e-3, rtol=0)


def test_flip_chooses_its_share_of_the_images() -> None:
    images = noise(2000, height=2, width=2)
    flipped = (augmented(Recipe(flip=0.25), images) != augmented(Recipe(), images)).flatten(1).any(1)
    assert abs(flipped.float().mean() - 0.25) < 0.04


def quarter_turn(count: int) -> Tensor:
    """Map that fetches each position from where it was a quarter turn before."""
    return torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]).expand(count, 2, 3)


def test_resampling_by_a_quarter_turn_is_exact() -> None:
    images = noise(3, height=8, width=8, channels=3).permute(0, 3, 1, 2).float()
    torch.testing.assert_close(
        augmentation.resample(images, quarter_turn(3)), images.rot90(1, (2, 3)), atol=1e-3, rtol=0
    )


@given(angle=st.floats(-180, 180), height=st.integers(4, 20), width=st.integers(4, 20))
@settings(max_examples=30, deadline=None)
def test_rotation_keeps_distances_in_pixels_on_oblong_images(angle: float, height: int, width: int) -> None:
    recipe = Recipe(rotation_degrees=abs(angle))
    maps = augmentation.affine_maps(recipe, torch.Size((4, 1, height, width)), generator())
    in_pixels = torch.tensor([width / 2, height / 2])
    linear = maps[:, :, :2] * in_pixels[:, None] / in_pixels
    torch.testing.assert_close(linear @ linear.transpose(1, 2), torch.eye(2).expand(4, 2, 2), atol=1e-5, rtol=0)
    turned = torch.atan2(linear[:, 1, 0], linear[:, 0, 0]).abs()
    assert (turned <= math.radians(abs(angle)) + 1e-5).all()


def test_zoom_and_shift_stay_in_their_ranges() -> None:
    recipe = Recipe(zoom=0.25, shift=0.1)
    maps = augmentation.affine_maps(recipe, torch.Size((500, 1, 10, 20)), generator())
    scale = 1 / maps[:, 0, 0]
    assert 0.75 <= scale.min() < 0.77
    assert 1.23 < scale.max() <= 1.25
    assert 0.19 < maps[:, :, 2].abs().max() <= 0.2  # the side spans 2


@pytest.mark.parametrize("other", [Recipe(), Recipe(shift=1e-7)], ids=["by indexing", "by resampling"])
def test_crop_moves_by_whole_pixels_and_repeats_the_border(other: Recipe) -> None:
    images = noise(200, height=6, width=5)
    cropped = augmented(dataclasses.replace(other, pad_pixels=2), images)
    padded = torch.nn.functional.pad(normalized(images), (2, 2, 2, 2), mode="replicate")
    windows = torch.stack([padded[:, :, y : y + 6, x : x + 5] for y in range(5) for x in range(5)])
    distances = (windows - cropped).abs().flatten(2).amax(2)
    assert (distances.amin(0) < 1e-3).all()
    assert set(distances.argmin(0).tolist()) == set(range(25))


def test_brightness_and_contrast_follow_their_definition() -> None:
    images = torch.tensor([0, 51, 128, 255], dtype=torch.uint8).view(1, 2, 2, 1)
    random_numbers = generator()
    brightness = 1 + 0.3 * (2 * torch.rand(1, generator=random_numbers) - 1)
    contrast = 1 + 0.2 * (2 * torch.rand(1, generator=random_numbers) - 1)
    pixels = images.permute(0, 3, 1, 2) / 255
    expected = (brightness * (contrast * (pixels - 0.5) + 0.5) - 0.5) / 0.25
    torch.testing.assert_close(augmented(Recipe(brightness=0.3, contrast=0.2), images), expected)


def test_blur_changes_only_the_chosen_and_keeps_their_mean_brightness() -> None:
    images = torch.zeros(6, 2, 11, 11)
    images[:, :, 5, 5] = 1
    before = images.clone()
    chosen = torch.tensor([1, 4])
    augmentation.blur(images, chosen, generator())
    changed = (images != before).flatten(1).any(1)
    assert changed.nonzero().flatten().tolist() == [1, 4]
    torch.testing.assert_close(images.sum((2, 3)), torch.ones(6, 2))
    torch.testing.assert_close(images, images.flip(3))
    torch.testing.assert_close(images, images.transpose(2, 3))


def test_blur_of_nothing_is_nothing() -> None:
    images = torch.ones(2, 1, 5, 5)
    augmentation.blur(images, torch.tensor([], dtype=torch.int64), generator())
    assert torch.equal(images, torch.ones(2, 1, 5, 5))


def test_erasing_sets_one_rectangle_of_the_chosen_to_the_mean() -> None:
    chosen = torch.arange(300) % 3 == 0
    erased = augmentation.erase(torch.ones(300, 2, 40, 40), chosen, generator()) == 0
    assert torch.equal(erased.flatten(1).any(1), chosen)
    assert torch.equal(erased[:, 0], erased[:, 1])
    shares = erased[chosen][:, 0].float().mean((1, 2))
    assert 0.01 < shares.min() < 0.06
    assert 0.25 < shares.max() < 0.36
    heights, widths = erased[:, 0].any(2).sum(1), erased[:, 0].any(1).sum(1)
    assert torch.equal(erased[:, 0].sum((1, 2)), heights * widths)


@given(concentration=st.floats(0.05, 10))
@settings(max_examples=20, deadline=None)
def test_mixup_blends_images_and_targets_by_the_same_share(concentration: float) -> None:
    images = torch.arange(20.0).view(20, 1, 1, 1)
    mixed, targets = augmentation.mix(images, torch.eye(20), concentration, generator=generator())
    torch.testing.assert_close(targets.sum(1), torch.ones(20))
    assert (targets.diagonal() >= 0.5 - 1e-6).all()
    torch.testing.assert_close(mixed.flatten(), targets @ torch.arange(20.0), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_everything_at_once_stays_finite_on_oblong_images(channels: int) -> None:
    normalization = Normalization((0.5,) * channels, (0.25,) * channels)
    images = noise(32, channels=channels)
    result = Augmentation(EVERYTHING, normalization)(images, generator=generator())
    assert result.shape == (32, channels, 9, 12)
    assert result.dtype == torch.float32
    assert result.isfinite().all()
