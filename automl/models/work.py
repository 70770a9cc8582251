"""What a network of the family has to compute, by its geometry: arithmetic without torch.

A forecast of a recipe's cost stands on it (`automl/training/cost.py`). Everything is of one image, forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from automl.models.geometry import ImageShape, check_fits, input_shape
from automl.recipe import Recipe

STEMS = {"conv3": (3, 1), "strided3": (3, 2), "pooled7": (7, 2)}
"""Kernel and stride of each stem's convolution."""
SHORTCUT_KERNEL, BLOCK_KERNEL, REDUCTION, LEAST_SQUEEZED = 1, 3, 4, 4


@dataclass(frozen=True)
class Layer:
    """One convolution, linear layer, or operation on each value of a feature map."""

    multiply_accumulates: int = 0
    values: int = 0
    """Values of the feature map that it writes."""
    parameters: int = 0


@dataclass(frozen=True)
class Work:
    """The network of a recipe."""

    layers: tuple[Layer, ...]
    pixels: int
    """Values of an image at the network's input."""

    @property
    def multiply_accumulates(self) -> int:
        """Of convolutions and linear layers."""
        return sum(layer.multiply_accumulates for layer in self.layers)

    @property
    def values(self) -> int:
        """Values of all feature maps that its layers write."""
        return sum(layer.values for layer in self.layers)

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return sum(layer.parameters for layer in self.layers)


def work_of(recipe: Recipe, image_shape: ImageShape, num_classes: int) -> Work:
    """What the recipe's network computes for one image of this shape, which it sees at its `resolution`.

    Raises: ModelError where the recipe does not fit.
    """
    shape = input_shape(recipe, image_shape)
    check_fits(recipe, shape)
    channels, height, width = shape
    layers: list[Layer] = []
    if recipe.depth:
        maps = _FeatureMaps(channels, height, width)
        layers += [*_stem(recipe, maps), *_stages(recipe, maps)]
        channels, height, width = maps.channels, maps.height, maps.width
        if recipe.pooling == "average":
            layers.append(Layer(values=channels))
            height = width = 1
    layers += _head(recipe, channels * height * width, num_classes)
    return Work(tuple(layers), shape[0] * shape[1] * shape[2])


@dataclass
class _FeatureMaps:
    """The shape of the feature maps, which changes from layer to layer."""

    channels: int
    height: int
    width: int

    def convolution(self, channels: int, *, kernel: int, stride: int = 1) -> Layer:
        """A padded convolution, whose result becomes the shape; rounded up where it halves."""
        self.height, self.width = -(-self.height // stride), -(-self.width // stride)
        weights = channels * self.channels * kernel * kernel
        layer = Layer(
            multiply_accumulates=weights * self.height * self.width,
            values=channels * self.height * self.width,
            parameters=weights,
        )
        self.channels = channels
        return layer

    def each(self, *, parameters: int = 0) -> Layer:
        """One operation on each value."""
        return Layer(values=self.channels * self.height * self.width, parameters=parameters)

    def normalization(self) -> Layer:
        """Batch normalization: a scale and an offset for each channel."""
        return self.each(parameters=2 * self.channels)

    def pooled(self, *, rounded_up: bool = False) -> Layer:
        """A pooling at stride 2, whose result becomes the shape."""
        more = 1 if rounded_up else 0
        self.height, self.width = (self.height + more) // 2, (self.width + more) // 2
        return self.each()


def _stem(recipe: Recipe, maps: _FeatureMaps) -> Iterator[Layer]:
    kernel, stride = STEMS[recipe.stem]
    yield maps.convolution(recipe.stem_width or recipe.width, kernel=kernel, stride=stride)
    yield maps.normalization()
    yield maps.each()
    if recipe.stem == "pooled7":
        yield maps.pooled(rounded_up=True)


def _stages(recipe: Recipe, maps: _FeatureMaps) -> Iterator[Layer]:
    block = _plain_block if recipe.block == "plain" else _residual_block
    for stage in range(recipe.depth):
        for position in range(recipe.blocks_per_stage):
            strides = recipe.downsample == "stride" and position == 0 and stage > 0
            pools = recipe.downsample == "max_pool" and position == recipe.blocks_per_stage - 1
            yield from block(recipe, maps, recipe.width * 2**stage, stride=2 if strides else 1, pools=pools)


def _plain_block(recipe: Recipe, maps: _FeatureMaps, channels: int, *, stride: int, pools: bool) -> Iterator[Layer]:
    yield maps.convolution(channels, kernel=BLOCK_KERNEL, stride=stride)
    if pools:
        yield maps.pooled()
    yield maps.normalization()
    yield maps.each()
    if recipe.squeeze_excitation:
        yield from _gates(maps)
    if recipe.block_dropout:
        yield maps.each()


def _residual_block(recipe: Recipe, maps: _FeatureMaps, channels: int, *, stride: int, pools: bool) -> Iterator[Layer]:
    before = _FeatureMaps(maps.channels, maps.height, maps.width)
    yield maps.convolution(channels, kernel=BLOCK_KERNEL, stride=stride)
    yield maps.normalization()
    yield maps.each()
    yield maps.convolution(channels, kernel=BLOCK_KERNEL)
    yield maps.normalization()
    if recipe.squeeze_excitation:
        yield from _gates(maps)
    if recipe.stochastic_depth:
        yield maps.each()
    if stride > 1 or before.channels != channels:
        yield before.convolution(channels, kernel=SHORTCUT_KERNEL, stride=stride)
        yield before.normalization()
    yield maps.each()  # the addition
    if pools:
        yield maps.pooled()
    yield maps.each()
    if recipe.block_dropout:
        yield maps.each()


def _gates(maps: _FeatureMaps) -> Iterator[Layer]:
    """Squeeze-excitation: means of the channels, two linear layers, and the gates on every value."""
    squeezed = max(maps.channels // REDUCTION, LEAST_SQUEEZED)
    yield maps.each()
    yield _linear(maps.channels, squeezed)
    yield _linear(squeezed, maps.channels)
    yield maps.each()


def _head(recipe: Recipe, features: int, num_classes: int) -> Iterator[Layer]:
    if recipe.hidden_dim:
        yield _linear(features, recipe.hidden_dim)
        yield Layer(values=recipe.hidden_dim)
    yield _linear(recipe.hidden_dim or features, num_classes)


def _linear(features: int, results: int) -> Layer:
    return Layer(multiply_accumulates=features * results, values=results, parameters=features * results + results)
