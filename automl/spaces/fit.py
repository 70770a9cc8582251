"""Fit a space to the images: after this, no recipe that it proposes runs out of pixels, or changes colours of gray."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from automl.errors import SpaceError
from automl.models.geometry import Downsample, ImageShape, Stem, input_shape, largest_depth
from automl.recipe import FIELDS, Recipe, Value
from automl.spaces.distributions.ranges import Distribution, Fixed, one_of, up_to
from automl.spaces.parameters import Parameter, narrowed

ENOUGH_STAGES = 3
"""Number of stages for which a stem is kept, and the depth clipped to it. A stem that leaves fewer is dropped."""
MOST_ENLARGED = 2
"""Largest searched resolution, as a multiple of the images' longer side. More pixels add time and nothing to see."""
COLOURS = ("saturation", "hue")
OFF, OWN_SIZE = Fixed(0.0), Fixed(0)


@dataclass(frozen=True)
class FittedParameters:
    """What is left of the parameters, and a sentence on each change."""

    parameters: tuple[Parameter, ...]
    notes: tuple[str, ...]
    idle: tuple[str, ...]
    """Parameters without effect on these images, which are no longer searched."""


def fit(parameters: Sequence[Parameter], image_shape: ImageShape) -> FittedParameters:
    """Drop stems and clip the depth so that every combination left fits images of channels, height, width.

    That is so at the smallest resolution of the space. Resolutions that enlarge the images too much are dropped.
    Changes of colours are off on gray images.

    Raises: SpaceError if nothing fits.
    """
    before = {parameter.name: parameter for parameter in parameters}
    resolution = _fewer_resolutions(before, image_shape)
    given = before | {name: replace(before[name], distribution=left) for name, left in resolution.items()}
    depths = [int(depth) for depth in _options(given, "depth")]
    least = depths[-1] if _can_be_default(given, "depth") else min(depths)
    smallest, size = _smallest_input(given, image_shape)
    stages = _stages_by_stem(given, smallest)
    wanted = max(min(max(depths), ENOUGH_STAGES), least)
    stems = [stem for stem in stages if stages[stem] >= min(wanted, max(stages.values()))]
    limit = min(stages[stem] for stem in stems)
    if least > limit:
        raise SpaceError(
            f"No combination of this space fits images of {size}: they leave room for {limit} stages with the stem "
            f"{' or '.join(stems)}, and depth can be no less than {least}. Let depth go down to {limit}."
        )
    changed = {**_fewer_stems(given, stems), **_clipped_depth(given, limit)}
    notes = [f"{name}: {given[name].distribution} became {now} to fit {size}" for name, now in changed.items()]
    notes = [*_enlarging(before, resolution, max(image_shape[1:])), *notes]
    idle = _idle(given, image_shape)
    kept, inactive = narrowed(parameters, {**resolution, **changed, **dict.fromkeys(idle, OFF)})
    left_out = (f"{name}: left out, because its condition can no longer be met" for name in inactive)
    return FittedParameters(kept, (*notes, *_effects(given, idle, image_shape), *left_out), idle)


def _fewer_resolutions(given: Mapping[str, Parameter], image_shape: ImageShape) -> dict[str, Distribution]:
    """The searched resolutions without those that enlarge the images too much. One fixed value is left as it is."""
    if "resolution" not in given or not given["resolution"].is_searched:
        return {}
    before = given["resolution"].distribution
    left = up_to(before, MOST_ENLARGED * max(image_shape[1:])) or OWN_SIZE
    return {"resolution": left} if left.values() != before.values() else {}


def _enlarging(before: Mapping[str, Parameter], now: Mapping[str, Distribution], longer: int) -> Iterator[str]:
    for name, left in now.items():
        kept = "the images' own" if left == OWN_SIZE else left
        yield f"{name}: {before[name].distribution} became {kept}: {MOST_ENLARGED} times {longer} pixels is the most"


def _smallest_input(given: Mapping[str, Parameter], image_shape: ImageShape) -> tuple[ImageShape, str]:
    """The smallest shape that a network of the space can see, and its size in words."""
    resolutions = [int(value) for value in _options(given, "resolution")]
    shapes = {one: input_shape(Recipe(resolution=one), image_shape) for one in resolutions}
    smallest = min(shapes, key=lambda one: min(shapes[one][1:]))
    at = "" if shapes[smallest] == image_shape else f" at resolution {smallest}"
    _, height, width = shapes[smallest]
    return shapes[smallest], f"{height}×{width} pixels{at}"


def _options(given: Mapping[str, Parameter], name: str) -> tuple[Value, ...]:
    """What a field can be; Recipe's default comes last where it can."""
    values = given[name].distribution.values() or () if name in given else ()
    return (*values, FIELDS[name].default) if _can_be_default(given, name) else values


def _can_be_default(given: Mapping[str, Parameter], name: str) -> bool:
    return name not in given or bool(given[name].when)


def _stages_by_stem(given: Mapping[str, Parameter], image_shape: ImageShape) -> dict[Stem, int]:
    """The most stages with each stem, whatever the downsampling."""
    stems = cast("tuple[Stem, ...]", _options(given, "stem"))
    downsamples = cast("tuple[Downsample, ...]", _options(given, "downsample"))
    return {stem: min(largest_depth(stem, down, image_shape) for down in downsamples) for stem in stems}


def _fewer_stems(given: Mapping[str, Parameter], stems: Sequence[Stem]) -> dict[str, Distribution]:
    if "stem" not in given:
        return {}
    before = given["stem"].distribution.values() or ()
    left = one_of(stem for stem in before if stem in stems)
    return {"stem": left} if left and left.values() != before else {}


def _clipped_depth(given: Mapping[str, Parameter], limit: int) -> dict[str, Distribution]:
    if "depth" not in given:
        return {}
    before = given["depth"].distribution
    left = up_to(before, limit)
    return {"depth": left} if left and left.values() != before.values() else {}


def _idle(given: Mapping[str, Parameter], image_shape: ImageShape) -> tuple[str, ...]:
    return tuple(name for name in COLOURS if image_shape[0] == 1 and _is_on(given, name))


def _effects(given: Mapping[str, Parameter], idle: Sequence[str], image_shape: ImageShape) -> Iterator[str]:
    """What an augmentation does not do to such images."""
    if idle:
        yield f"{', '.join(given[name].source for name in idle)}: without effect on gray images"
    if image_shape[1] != image_shape[2] and _is_on(given, "quarter_turns"):
        yield f"{given['quarter_turns'].source}: oblong images are turned by 180 degrees only"


def _is_on(given: Mapping[str, Parameter], name: str) -> bool:
    return name in given and given[name].distribution != OFF
