from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from automl.models.convolution import Convolution, convolved, features_gradient, weight_gradient


@given(
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    channels_in=st.integers(1, 5),
    channels=st.integers(1, 5),
    kernel=st.sampled_from([1, 3, 7]),
    stride=st.sampled_from([1, 2]),
    channels_last=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_result_and_gradients_are_those_that_torch_computes(
    height: int, width: int, channels_in: int, channels: int, kernel: int, stride: int, channels_last: bool
) -> None:
    layout = torch.channels_last if channels_last else torch.contiguous_format
    features = torch.randn(3, channels_in, height, width, dtype=torch.float64).contiguous(memory_format=layout)
    features.requires_grad_()
    weight = torch.randn(channels, channels_in, kernel, kernel, dtype=torch.float64, requires_grad=True)
    output = torch.conv2d(features, weight, stride=stride, padding=kernel // 2)
    gradient = torch.randn_like(output)
    torch.autograd.backward(output, gradient)
    with torch.no_grad():
        torch.testing.assert_close(convolved(features, weight, stride), output)
        torch.testing.assert_close(weight_gradient(gradient, features, kernel, stride), weight.grad)
        # The sums of the features' gradient are of float32.
        found = features_gradient(gradient, features, weight, stride)
        torch.testing.assert_close(found, features.grad, rtol=1e-5, atol=1e-5)


MANY, FEW = (256, 512), (8, 12)
"""Channels before and after a convolution that is a product wholly, and one whose weights' gradient alone is."""


@pytest.mark.parametrize(
    ("channels", "positions", "dtype"),
    [(FEW, 4, torch.bfloat16), (FEW, 2, torch.float32), (MANY, 4, torch.bfloat16), (MANY, 3, torch.float32)],
)
@pytest.mark.parametrize("stride", [1, 2])
def test_step_is_that_of_torchs_convolution(
    channels: tuple[int, int], positions: int, dtype: torch.dtype, stride: int
) -> None:
    torch.manual_seed(0)
    before, after = channels
    features = torch.randn(16, before, positions * stride, positions * stride).contiguous(
        memory_format=torch.channels_last
    )
    ours = Convolution(before, after, kernel=3, stride=stride)
    theirs = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    theirs.load_state_dict(ours.state_dict())
    outcomes = [_step(module, features, dtype) for module in (ours, theirs)]
    for mine, reference in zip(*outcomes, strict=True):
        assert mine.dtype == reference.dtype
        # Of the largest, for sums of many cancel; CPUs without bfloat16 of their own round two steps apart.
        precision = 2**-6 if dtype == torch.bfloat16 else 1e-5
        torch.testing.assert_close(mine, reference, rtol=0, atol=precision * float(reference.detach().abs().max()))


def test_large_maps_and_evaluation_are_torchs_own() -> None:
    layer = Convolution(2, 3, kernel=3, stride=1)
    small, large = torch.randn(4, 2, 2, 2), torch.randn(4, 2, 12, 12)
    assert _gradient_of(layer(small)) == "_ByProductsBackward"
    assert _gradient_of(layer(large)) == "ConvolutionBackward0"
    assert _gradient_of(layer.eval()(small)) == "ConvolutionBackward0"


def test_many_weights_are_multiplied_at_more_positions_than_few() -> None:
    features = torch.randn(2, MANY[0], 4, 4)
    assert _gradient_of(Convolution(*MANY, kernel=3, stride=1)(features)) == "_ByProductsBackward"
    assert _gradient_of(Convolution(MANY[0], 8, kernel=3, stride=1)(features)) == "ConvolutionBackward0"


def _gradient_of(output: torch.Tensor) -> str:
    assert output.grad_fn is not None
    return output.grad_fn.name()


def _step(module: nn.Module, features: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """Output and both gradients of a convolution computed in `dtype` by autocast."""
    features = features.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        output = module(features)
    torch.autograd.backward(output.square().sum())
    weight = next(module.parameters())
    assert features.grad is not None
    assert weight.grad is not None
    return output, features.grad, weight.grad
