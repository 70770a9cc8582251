"""The one convolutional family: stem, stages of doubling width, head. Depth 0 is the head alone, a perceptron."""

from __future__ import annotations

from torch import Tensor, nn

from automl.models.blocks import PlainBlock, ResidualBlock, convolution
from automl.models.geometry import ImageShape, spatial_size
from automl.recipe import Recipe


class Network(nn.Module):
    """Classifier of normalized images: B × channels × height × width to B × classes logits."""

    def __init__(self, recipe: Recipe, image_shape: ImageShape, num_classes: int) -> None:
        super().__init__()
        channels, height, width = image_shape[0], *spatial_size(recipe, image_shape)
        self.stem: nn.Module = nn.Identity()
        self.stages: nn.Module = nn.Identity()
        self.pooling: nn.Module = nn.Flatten()
        if recipe.depth:
            self.stem = _stem(recipe, channels)
            self.stages = _stages(recipe)
            channels = recipe.width * 2 ** (recipe.depth - 1)
            if recipe.pooling == "average":
                self.pooling = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
                height = width = 1
        features = channels * height * width
        self.hidden = _hidden(recipe, features)
        self.dropout = nn.Dropout(recipe.dropout)
        self.classes = nn.Linear(recipe.hidden_dim or features, num_classes)
        self.apply(_initialize)
        nn.init.normal_(self.classes.weight, std=0.01)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Logits, B × K."""
        features_BF = self.hidden(self.pooling(self.stages(self.stem(images_BCHW))))
        return self.classes(self.dropout(features_BF))  # type: ignore[no-any-return]


def _stem_width(recipe: Recipe) -> int:
    return recipe.stem_width or recipe.width


def _stem(recipe: Recipe, channels_in: int) -> nn.Module:
    kernel, stride = {"conv3": (3, 1), "strided3": (3, 2), "pooled7": (7, 2)}[recipe.stem]
    width = _stem_width(recipe)
    return nn.Sequential(
        convolution(channels_in, width, kernel=kernel, stride=stride),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        *([nn.MaxPool2d(3, stride=2, padding=1)] if recipe.stem == "pooled7" else []),
    )


def _stages(recipe: Recipe) -> nn.Module:
    """All blocks in order; the width doubles at the first of each stage."""
    blocks: list[nn.Module] = []
    channels_in = _stem_width(recipe)
    for stage in range(recipe.depth):
        channels = recipe.width * 2**stage
        for position in range(recipe.blocks_per_stage):
            blocks.append(_block(recipe, channels_in, channels, stage=stage, position=position))
            channels_in = channels
    return nn.Sequential(*blocks)


def _block(recipe: Recipe, channels_in: int, channels: int, *, stage: int, position: int) -> nn.Module:
    strides = recipe.downsample == "stride" and position == 0 and stage > 0
    pools = recipe.downsample == "max_pool" and position == recipe.blocks_per_stage - 1
    stride = 2 if strides else 1
    attention, dropout = recipe.squeeze_excitation, recipe.block_dropout
    if recipe.block == "plain":
        return PlainBlock(
            channels_in, channels, stride=stride, pool=pools, squeeze_excitation=attention, dropout=dropout
        )
    depth_share = (stage * recipe.blocks_per_stage + position + 1) / (recipe.depth * recipe.blocks_per_stage)
    return ResidualBlock(
        channels_in,
        channels,
        stride=stride,
        pool=pools,
        squeeze_excitation=attention,
        dropout=dropout,
        skip_probability=recipe.stochastic_depth * depth_share,
    )


def _hidden(recipe: Recipe, features: int) -> nn.Module:
    if not recipe.hidden_dim:
        return nn.Identity()
    return nn.Sequential(nn.Dropout(recipe.dropout), nn.Linear(features, recipe.hidden_dim), nn.ReLU(inplace=True))


def _initialize(module: nn.Module) -> None:
    """Keep the variance of the activations through ReLUs; biases zero (He et al. 2015, section 2.2)."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)
