from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from automl.models.building import build_model
from automl.recipe import Recipe
from automl.training.optimization import Plateau, WeightAverage, build_optimizer, schedule_factor, set_learning_rate


def network() -> nn.Module:
    return build_model(Recipe(depth=1, width=4), (1, 8, 8), 3)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw"])
def test_weight_decay_spares_biases_and_normalizations(name: str) -> None:
    model = network()
    optimizer = build_optimizer(Recipe.from_mapping({"optimizer": name, "weight_decay": 0.1}), list(model.parameters()))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    for name, parameter in model.named_parameters():
        module = model.get_submodule(name.rpartition(".")[0])
        assert (id(parameter) in decayed) == (isinstance(module, nn.Conv2d | nn.Linear) and name.endswith("weight"))
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len(list(model.parameters()))


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.9, True), (0.0, False)])
def test_sgd_is_nesterov_where_there_is_momentum(momentum: float, nesterov: bool) -> None:
    recipe = Recipe(optimizer="sgd", momentum=momentum)
    (group, *_) = build_optimizer(recipe, list(network().parameters())).param_groups
    assert (group["momentum"], group["nesterov"], group["fused"]) == (momentum, nesterov, True)


def test_the_next_step_uses_the_rate_that_was_set() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    optimizer = build_optimizer(Recipe(optimizer="sgd", momentum=0), [weight])
    set_learning_rate(optimizer, 0.25)
    weight.grad = torch.ones(2, 2)
    optimizer.step()
    torch.testing.assert_close(weight.data, torch.full((2, 2), 0.75))


def test_one_cycle_is_that_of_torch() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=1000)
    for step in range(999):
        assert schedule_factor("one_cycle", step, steps=1000) == pytest.approx(reference.get_last_lr()[0], abs=0.006)
        optimizer.step()
        reference.step()


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "plateau"])
def test_every_schedule_stays_between_0_and_the_peak(schedule: str, steps: int) -> None:
    factors = [schedule_factor(schedule, step, steps=steps) for step in range(steps)]
    assert all(0 < factor <= 1 for factor in factors)


def test_cosine_falls_from_the_peak_to_almost_nothing() -> None:
    factors = [schedule_factor("cosine", step, steps=100) for step in range(100)]
    assert factors[0] == 1
    assert factors[50] == pytest.approx(0.5)
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] < 0.001


def test_plateau_halves_after_three_epochs_without_a_lower_loss() -> None:
    plateau = Plateau()
    factors = []
    for loss in (1.0, 0.9, 0.9, 1.0, math.nan, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9):
        plateau.update(loss)
        factors.append(plateau.factor)
    assert factors == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    assert Plateau(**plateau.state()) == plateau  # type: ignore[arg-type]


def test_average_follows_weights_and_statistics_but_not_counters() -> None:
    model = network()
    average = WeightAverage(model, 0.5)
    before = {name: value.clone() for name, value in average.model.state_dict().items()}
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            tensor.add_(4)
    average.update(step=1_000_000)
    for name, value in average.model.state_dict().items():
        expected = before[name] + (2 if value.is_floating_point() else 0)
        torch.testing.assert_close(value, expected)


def test_average_of_a_short_run_forgets_the_start() -> None:
    model = network()
    average = WeightAverage(model, 0.999)
    start = average.model.state_dict()["classes.bias"].clone()
    with torch.no_grad():
        model.get_parameter("classes.bias").add_(1)
    for step in range(50):
        average.update(step)
    moved = average.model.state_dict()["classes.bias"] - start
    assert (moved > 0.95).all()
