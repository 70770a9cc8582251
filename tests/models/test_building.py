from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from automl.errors import ModelError
from automl.models.building import build_model, check_model, count_parameters, resolve_builder
from automl.recipe import Recipe

architectures = st.builds(
    Recipe,
    block=st.sampled_from(["plain", "residual"]),
    depth=st.integers(0, 3),
    blocks_per_stage=st.integers(1, 2),
    width=st.integers(1, 6),
    stem=st.sampled_from(["conv3", "strided3", "pooled7"]),
    stem_width=st.integers(0, 5),
    downsample=st.sampled_from(["max_pool", "stride"]),
    pooling=st.sampled_from(["flatten", "average"]),
    hidden_dim=st.sampled_from([0, 7]),
    squeeze_excitation=st.booleans(),
    dropout=st.sampled_from([0.0, 0.5]),
    block_dropout=st.sampled_from([0.0, 0.5]),
    stochastic_depth=st.sampled_from([0.0, 0.5]),
)


@given(recipe=architectures, channels=st.sampled_from([1, 3]))
@settings(max_examples=40, deadline=None)
def test_every_architecture_learns_from_every_weight(recipe: Recipe, channels: int) -> None:
    network = build_model(recipe, (channels, 33, 40), 5).eval()
    logits = network(torch.randn(3, channels, 33, 40))
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_depth_0_without_hidden_layer_is_linear() -> None:
    network = build_model(Recipe(depth=0, pooling="average"), (1, 8, 8), 10)
    assert count_parameters(network) == 64 * 10 + 10


def test_depth_0_with_hidden_layer_is_a_perceptron() -> None:
    network = build_model(Recipe(depth=0, hidden_dim=20), (1, 8, 8), 10)
    assert count_parameters(network) == (64 * 20 + 20) + (20 * 10 + 10)


def test_width_doubles_from_stage_to_stage() -> None:
    network = build_model(Recipe(depth=3, width=4, stem_width=6), (1, 32, 32), 10)
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [6, 4, 8, 16]


def test_flattening_keeps_every_place_of_the_last_map() -> None:
    network = build_model(Recipe(depth=2, width=4, pooling="flatten"), (1, 8, 8), 10)
    assert isinstance(network.classes, nn.Linear)
    assert network.classes.in_features == 8 * 2 * 2


def test_stochastic_depth_grows_to_its_full_value_at_the_last_block() -> None:
    recipe = Recipe(block="residual", depth=2, blocks_per_stage=2, width=4, stochastic_depth=0.4)
    network = build_model(recipe, (1, 8, 8), 10)
    skips = [module.skip_probability for module in network.modules() if hasattr(module, "skip_probability")]
    assert skips == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_first_logits_are_small_and_activations_keep_their_scale() -> None:
    torch.manual_seed(0)
    network = build_model(Recipe(depth=4, width=16), (1, 48, 48), 7).train()
    logits = network(torch.randn(64, 1, 48, 48))
    assert logits.abs().max() < 0.5
    assert logits.std() > 0.001


def test_builder_is_found_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")  # restores the module search path afterwards
    Path("brought_networks.py").write_text("def build(recipe, image_shape, num_classes):\n    return 'called'\n")
    assert resolve_builder("brought_networks:build")(Recipe(), (1, 8, 8), 10) == "called"  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("networks", "'networks' does not name a network. Write package.module:function, as in my_networks:build."),
        (":build", "':build' does not name a network."),
        ("no_such_module:build", "Cannot import no_such_module for 'no_such_module:build': ModuleNotFoundError:"),
        ("automl.models.building:nothing", "automl.models.building has no nothing. Define there: def build("),
        ("automl.recipe:MAX_SEED", "automl.recipe has MAX_SEED, which cannot be called."),
    ],
)
def test_unusable_builder_is_explained(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    with pytest.raises(ModelError, match=re.escape(sentence)):
        resolve_builder(name)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("text", "The builder returned str. It has to return a torch.nn.Module."),
        (nn.Flatten(), "For 2 images the network gives (2, 64). It has to give logits of shape (2, 10)."),
        (nn.Linear(3, 10), "The network cannot take images of shape (2, 1, 8, 8): "),
    ],
)
def test_unusable_network_is_explained_before_training(model: object, sentence: str) -> None:
    with pytest.raises(ModelError, match=re.escape(sentence)):
        check_model(model, (1, 8, 8), 10)


def test_checking_leaves_a_network_in_its_mode() -> None:
    network = build_model(Recipe(depth=1, width=2), (1, 8, 8), 10).train()
    check_model(network, (1, 8, 8), 10)
    assert network.training
