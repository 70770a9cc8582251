from __future__ import annotations

import colorsys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.functional import adjust_saturation

from automl.data.batches.augmentation import Augmentation
from automl.data.batches.colours import colour_matrices
from automl.data.batches.normalization import Normalization
from automl.recipe import Recipe

NORMALIZATION = Normalization((0.5, 0.4, 0.3), (0.25, 0.2, 0.15))
LUMA = torch.tensor([0.299, 0.587, 0.114])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def colours(count: int) -> Tensor:
    """Random uint8 colour images, B × 6 × 5 × 3."""
    return torch.randint(0, 256, (count, 6, 5, 3), dtype=torch.uint8, generator=generator(7))


def drawn_saturations(recipe: Recipe, count: int) -> Tensor:
    """The factors that `colour_matrices` random_numbers, after the angles."""
    random_numbers = generator()
    torch.rand(count, generator=random_numbers)
    return 1 + recipe.saturation * (2 * torch.rand(count, generator=random_numbers) - 1)


def test_saturation_is_torchvisions() -> None:
    recipe, pixels = Recipe(saturation=0.4), 0.3 + 0.4 * torch.rand(6, 3, 4, 5, generator=generator(3))
    factors = drawn_saturations(recipe, 6).tolist()
    expected = torch.stack([adjust_saturation(p, factor) for p, factor in zip(pixels, factors, strict=True)])
    changed = torch.einsum("bij,bjhw->bihw", colour_matrices(recipe, 6, generator()), pixels)
    torch.testing.assert_close(changed, expected, atol=2e-4, rtol=0)  # its weights have four digits


@given(saturation=st.floats(0, 1), hue=st.floats(0, 0.5))
@settings(max_examples=20, deadline=None)
def test_luma_and_every_gray_are_kept(saturation: float, hue: float) -> None:
    matrices = colour_matrices(Recipe(saturation=saturation, hue=hue), 8, generator())
    torch.testing.assert_close(LUMA @ matrices, LUMA.expand(8, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(matrices.sum(2), torch.ones(8, 3), atol=1e-5, rtol=0)


def test_hue_turns_the_colour_and_keeps_its_strength() -> None:
    matrices = colour_matrices(Recipe(hue=0.5), 200, generator()).double()
    assert torch.allclose(torch.linalg.det(matrices), torch.ones(200, dtype=torch.float64), atol=1e-4)
    muted_red = torch.tensor([0.6, 0.4, 0.4], dtype=torch.float64)
    hues = [colorsys.rgb_to_hsv(*(matrix @ muted_red).tolist())[0] for matrix in matrices]
    assert {int(hue * 6) for hue in hues} == set(range(6))


def test_small_hue_stays_near() -> None:
    muted_red = torch.tensor([0.6, 0.4, 0.4])
    for matrix in colour_matrices(Recipe(hue=0.05), 100, generator()):
        hue = colorsys.rgb_to_hsv(*(matrix @ muted_red).tolist())[0]
        assert min(hue, 1 - hue) < 0.08


def test_colours_brightness_and_contrast_follow_their_definition() -> None:
    recipe = Recipe(brightness=0.3, contrast=0.2, saturation=0.5, hue=0.1)
    random_numbers, images = generator(), colours(4)
    brightness = (1 + 0.3 * (2 * torch.rand(4, generator=random_numbers) - 1)).view(4, 1, 1, 1)
    contrast = (1 + 0.2 * (2 * torch.rand(4, generator=random_numbers) - 1)).view(4, 1, 1, 1)
    mean, std = NORMALIZATION.tensors()
    coloured = torch.einsum("bij,bhwj->bihw", colour_matrices(recipe, 4, random_numbers), images / 255)
    expected = (brightness * (contrast * (coloured - mean) + mean) - mean) / std
    changed = Augmentation(recipe, NORMALIZATION)(images, generator=generator())
    torch.testing.assert_close(changed, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("recipe", [Recipe(saturation=0.5), Recipe(hue=0.2)])
def test_every_image_gets_colours_of_its_own_and_the_generator_alone_decides(recipe: Recipe) -> None:
    images = colours(1).expand(8, -1, -1, -1)
    changed = Augmentation(recipe, NORMALIZATION)(images, generator=generator())
    assert len({image.numpy().tobytes() for image in changed}) == 8
    assert torch.equal(changed, Augmentation(recipe, NORMALIZATION)(images, generator=generator()))


def test_strength_scales_colours_within_their_ranges() -> None:
    recipe = Recipe(saturation=0.5, hue=0.3, augmentation_strength=3)
    assert (Augmentation(recipe, NORMALIZATION).recipe.saturation, recipe.hue) == (1.0, 0.3)
    assert Augmentation(recipe, NORMALIZATION).recipe.hue == 0.5


def test_gray_images_have_no_colours_to_change() -> None:
    gray, images = Normalization((0.5,), (0.25,)), colours(3)[..., :1]
    changed = Augmentation(Recipe(saturation=1, hue=0.5), gray)(images, generator=generator())
    assert torch.equal(changed, Augmentation(Recipe(), gray)(images, generator=generator()))
