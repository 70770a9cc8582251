"""The rules of the space `auto`, as one table: a row a field, with its values for some images, and why.

The experiments behind a row are named above it; they are entries of benchmarks/LOG.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from automl.models.geometry import Stem, largest_depth
from automl.recipe import Value
from automl.spaces.auto.image_facts import ImageFacts
from automl.spaces.distributions.ranges import Choice, Distribution, Fixed, FloatRange

FEW_IMAGES, MANY_IMAGES = 5_000, 20_000
"""Training images below which they are few, and from which they are many."""
TINY_SIDE, SMALL_SIDE = 16, 40
"""Longer sides in pixels: below the first images are also enlarged, up to the second they keep their size."""
RESOLUTIONS = (32, 48, 64, 96)
SHORTEST_SIDE = 16
"""Fewest pixels of the shorter side at a resolution, unless the images have fewer."""
IMBALANCED = 2.0
"""Ratio of the largest to the smallest class from which weights of classes are searched."""
EPOCHS_AT_2000, FEWEST_EPOCHS, MOST_EPOCHS = 60, 15, 120
"""Epochs that suffice for 2,000 images; they fall with the third root of the number of images, between these ends."""


@dataclass(frozen=True)
class Rule:
    """One field of the recipe."""

    field: str
    values: Callable[[ImageFacts], Distribution]
    why: str
    part: Literal["network", "training"] = "training"
    """A network of the user's own has no fields of the network."""


def enough_epochs(facts: ImageFacts) -> int:
    """Epochs that suffice for so many images."""
    epochs = round(EPOCHS_AT_2000 * math.cbrt(2_000 / max(facts.train, 1)))
    return min(max(epochs, FEWEST_EPOCHS), MOST_EPOCHS)


def resolutions(facts: ImageFacts) -> tuple[int, ...]:
    """Longer sides at which the network may see the images, in pixels."""
    own = facts.longer_side
    if own < TINY_SIDE:
        return own, TINY_SIDE
    if own <= SMALL_SIDE:
        return (own,)
    least = min(facts.shorter_side, SHORTEST_SIDE)
    smaller = [side for side in RESOLUTIONS if side < own and facts.shorter_side * side / own >= least]
    return (*smaller, own) if own <= RESOLUTIONS[2] or not smaller else tuple(smaller)


def stems(facts: ImageFacts) -> tuple[Stem, ...]:
    """First layers: at stride 1 only where there are few pixels."""
    if facts.shorter_side < TINY_SIDE:
        return ("conv3",)
    return ("conv3", "strided3") if facts.longer_side <= SMALL_SIDE else ("strided3",)


def depths(facts: ImageFacts) -> tuple[int, ...]:
    """Stages that fit at every resolution and with every stem; 0, a perceptron, where none does."""
    limit = min(largest_depth(stem, "stride", shape) for stem in stems(facts) for shape in _shapes(facts))
    wanted = (2, 3) if facts.longer_side < TINY_SIDE else (3, 4)
    return tuple(depth for depth in wanted if depth <= limit) or (limit,)


def batch_sizes(facts: ImageFacts) -> tuple[int, ...]:
    """Few images make small batches, so that an epoch has enough steps."""
    for images, size in ((500, 16), (1_500, 32), (FEW_IMAGES, 64)):
        if facts.train < images:
            return (size,)
    return (64, 128) if facts.train < MANY_IMAGES else (128,)


def _shapes(facts: ImageFacts) -> list[tuple[int, int, int]]:
    sides = [side / facts.longer_side for side in resolutions(facts)]
    channels, height, width = facts.image_shape
    return [(channels, max(1, round(height * share)), max(1, round(width * share))) for share in sides]


def _one_of(values: Sequence[Value]) -> Distribution:
    return Fixed(values[0]) if len(values) == 1 else Choice(tuple(values))


def _fixed(value: Value) -> Callable[[ImageFacts], Distribution]:
    return lambda _: Fixed(value)


def _any_of(*values: Value) -> Callable[[ImageFacts], Distribution]:
    return lambda _: Choice(values)


def _by_images(few: Distribution, some: Distribution, many: Distribution) -> Callable[[ImageFacts], Distribution]:
    return lambda facts: few if facts.train < FEW_IMAGES else some if facts.train < MANY_IMAGES else many


def _if_colour(value: float) -> Callable[[ImageFacts], Distribution]:
    return lambda facts: Fixed(value if facts.image_shape[0] > 1 else 0.0)


def _hidden(facts: ImageFacts) -> Distribution:
    return Choice((64, 128, 256)) if depths(facts) == (0,) else Fixed(0)


def _class_weights(facts: ImageFacts) -> Distribution:
    return Choice(("none", "square_root", "balanced")) if facts.imbalance >= IMBALANCED else Fixed("none")


RULES: tuple[Rule, ...] = (
    # "resolution of the network's input": an epoch at 32 pixels takes an eighth of one at 100, and is enough to begin.
    Rule("resolution", lambda f: _one_of(resolutions(f)), "images of over 40 pixels also smaller", "network"),
    Rule("block", _fixed("residual"), "plain blocks are in the space default", "network"),
    Rule("depth", lambda f: _one_of(depths(f)), "what the pixels allow", "network"),
    Rule("blocks_per_stage", _any_of(1, 2), "searched", "network"),
    Rule("width", _any_of(16, 24, 32, 48, 64), "searched, as far as the time goes", "network"),
    # docs/fer2013.md: a stem at stride 2 makes an epoch four times as cheap.
    Rule("stem", lambda f: _one_of(cast("tuple[Value, ...]", stems(f))), "stride 2 from 16 pixels on", "network"),
    Rule("downsample", _fixed("stride"), "a quarter of the cost of pooling behind each stage", "network"),
    Rule("pooling", _fixed("average"), "few parameters", "network"),
    Rule("hidden_dim", _hidden, "only a perceptron needs one", "network"),
    Rule("squeeze_excitation", _any_of(False, True), "searched", "network"),
    # Regularization: the fewer images, the more of it.
    Rule(
        "dropout",
        _by_images(FloatRange(0.0, 0.6), FloatRange(0.0, 0.5), FloatRange(0.0, 0.4)),
        "up to more, where images are few",
    ),
    Rule(
        "weight_decay",
        _by_images(
            FloatRange(5e-3, 3e-1, log=True), FloatRange(1e-3, 2e-1, log=True), FloatRange(1e-3, 1e-1, log=True)
        ),
        "more, where images are few",
    ),
    Rule("label_smoothing", lambda _: FloatRange(0.0, 0.2), "searched"),
    Rule("mixup", _any_of(0.0, 0.2), "searched"),
    Rule("class_weights", _class_weights, "searched where the largest class is twice the smallest"),
    Rule(
        "augmentation_strength",
        _by_images(FloatRange(0.4, 2.0), FloatRange(0.3, 1.6), FloatRange(0.1, 1.4)),
        "a factor on what follows; more, where images are few",
    ),
    Rule("flip", _any_of(0.0, 0.5), "digits and letters should not be mirrored: the search finds out"),
    Rule("rotation_degrees", _fixed(12.0), "of strength 1"),
    Rule("shift", _fixed(0.1), "of strength 1"),
    Rule("zoom", _fixed(0.12), "of strength 1"),
    Rule("brightness", _fixed(0.2), "of strength 1"),
    Rule("contrast", _fixed(0.2), "of strength 1"),
    Rule("saturation", _if_colour(0.2), "of strength 1, in colour"),
    Rule("hue", _if_colour(0.02), "of strength 1, in colour"),
    Rule("optimizer", _fixed("adamw"), "that of all first recipes"),
    # "residual branches that do not start at zero": 8e-3 and 3e-3 were alike.
    Rule("learning_rate", lambda _: FloatRange(1e-3, 1e-2, log=True), "searched about 3e-3"),
    Rule("batch_size", lambda f: _one_of(batch_sizes(f)), "small for few images: enough steps in an epoch"),
    Rule("schedule", _fixed("one_cycle"), "good at any number of epochs"),
)
"""All but the epochs, which follow from the forecast (`auto_space`)."""
