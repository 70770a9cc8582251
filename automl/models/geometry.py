"""Which networks fit which images. This is arithmetic without torch: a search space asks before it proposes."""

from __future__ import annotations

from typing import Literal, TypeAlias

from automl.errors import ModelError
from automl.recipe import FIELDS, Recipe

ImageShape: TypeAlias = tuple[int, int, int]
"""Channels, height, width."""
Stem: TypeAlias = Literal["conv3", "strided3", "pooled7"]
Downsample: TypeAlias = Literal["max_pool", "stride"]

STEM_HALVINGS: dict[Stem, int] = {"conv3": 0, "strided3": 1, "pooled7": 2}
_DEEPEST_FIRST = range(int(FIELDS["depth"].range.high), 0, -1)  # type: ignore[union-attr]


def check_fits(recipe: Recipe, image_shape: ImageShape) -> None:
    """Accept a recipe whose every halving meets at least two pixels of the network's input.

    Raises: ModelError saying how deep a network of this kind can be.
    """
    _, height, width = input_shape(recipe, image_shape)
    deepest = largest_depth(recipe.stem, recipe.downsample, (1, height, width))
    if recipe.depth <= deepest:
        return
    at = f" at resolution {recipe.resolution}" if recipe.resolution else ""
    raise ModelError(
        f"depth = {recipe.depth} with stem {recipe.stem} and downsample {recipe.downsample} does not fit images of "
        f"{height} × {width} pixels{at}: they cannot be halved that often. Use depth {deepest}"
        + (" or less." if deepest else ", the multilayer perceptron.")
    )


def input_shape(recipe: Recipe, image_shape: ImageShape) -> ImageShape:
    """Shape of the network's input for such images. The longer side is `resolution`, the ratio of the sides is kept."""
    channels, height, width = image_shape
    if recipe.resolution in (0, max(height, width)):
        return image_shape
    scale = recipe.resolution / max(height, width)
    return channels, max(1, round(height * scale)), max(1, round(width * scale))


def largest_depth(stem: Stem, downsample: Downsample, image_shape: ImageShape) -> int:
    """Return the most stages that fit, within the range of `Recipe.depth`; 0 where not even the stem does."""
    shorter = min(image_shape[1:])
    for depth in _DEEPEST_FIRST:
        *halved, _ = _sides(stem, downsample, depth, shorter)
        if all(side >= 2 for side in halved):
            return depth
    return 0


def spatial_size(recipe: Recipe, image_shape: ImageShape) -> tuple[int, int]:
    """Height and width of the last feature map; those of the network's input at depth 0.

    Raises: ModelError where the recipe does not fit.
    """
    check_fits(recipe, image_shape)
    _, height, width = input_shape(recipe, image_shape)
    if recipe.depth == 0:
        return height, width
    kind = recipe.stem, recipe.downsample, recipe.depth
    return _sides(*kind, height)[-1], _sides(*kind, width)[-1]


def halvings(downsample: Downsample, depth: int) -> int:
    """Number of times that the stages halve the image: a pooling ends each, a stride starts each but the first."""
    return depth if downsample == "max_pool" else max(depth - 1, 0)


def _sides(stem: Stem, downsample: Downsample, depth: int, side: int) -> list[int]:
    """One side of the image, then of what each halving leaves of it.

    A padded convolution at stride 2 keeps the last row of an odd side, a 2 × 2 pooling drops it.
    """
    sides = [side]
    for _ in range(STEM_HALVINGS[stem]):
        sides.append((sides[-1] + 1) // 2)
    kept = 0 if downsample == "max_pool" else 1
    for _ in range(halvings(downsample, depth)):
        sides.append((sides[-1] + kept) // 2)
    return sides
