from __future__ import annotations

import torch

from automl.models.blocks import PlainBlock, ResidualBlock, SqueezeExcitation, StochasticDepth


def features(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_residual_block_adds_its_input_to_its_branch() -> None:
    images = features(2, 4, 6, 6)
    block = ResidualBlock(4, 4).eval()
    torch.testing.assert_close(block(images), (images + block.branch(images)).relu())


def test_new_residual_block_uses_its_branch() -> None:
    branch_BCHW = ResidualBlock(4, 4).train().branch(features(2, 4, 6, 6))
    torch.testing.assert_close(branch_BCHW.std(), torch.tensor(1.0), rtol=0.02, atol=0.0)


def test_residual_block_of_other_shape_projects_its_shortcut() -> None:
    block = ResidualBlock(4, 8, stride=2)
    assert block(features(2, 4, 7, 6)).shape == (2, 8, 4, 3)


def test_pooling_before_normalization_equals_pooling_at_the_end() -> None:
    images = features(8, 3, 6, 6)
    block = PlainBlock(3, 4, pool=True).eval()
    convolution, pooling, normalization, relu = block.layers
    at_the_end = pooling(relu(normalization(convolution(images))))
    torch.testing.assert_close(block(images), at_the_end)


def test_pooling_before_the_last_relu_of_a_residual_block_changes_nothing() -> None:
    images = features(8, 3, 6, 6)
    pooled, plain = ResidualBlock(3, 3, pool=True).eval(), ResidualBlock(3, 3).eval()
    plain.load_state_dict(pooled.state_dict())
    torch.testing.assert_close(pooled(images), torch.nn.functional.max_pool2d(plain(images), 2))


def test_squeeze_excitation_scales_whole_channels_down() -> None:
    images = features(2, 8, 5, 5)
    ratio = SqueezeExcitation(8)(images) / images
    torch.testing.assert_close(ratio, ratio[:, :, :1, :1].expand_as(ratio))
    assert ((ratio > 0) & (ratio < 1)).all()


def test_stochastic_depth_drops_whole_images_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    layer = StochasticDepth(0.25).train()
    scales = layer(torch.ones(4000, 2, 3, 3))
    assert set(scales.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    assert (scales.flatten(1).amin(1) == scales.flatten(1).amax(1)).all()
    assert abs(scales.mean().item() - 1) < 0.05


def test_stochastic_depth_is_nothing_in_evaluation() -> None:
    images = features(4, 2, 3, 3)
    assert StochasticDepth(0.5).eval()(images) is images


def test_block_dropout_drops_whole_channels() -> None:
    torch.manual_seed(0)
    block = PlainBlock(1, 64, dropout=0.5).train()
    kept = block(features(8, 1, 6, 6)).flatten(2).amax(2) > 0
    assert 0.3 < kept.float().mean() < 0.7
