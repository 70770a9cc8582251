"""What is claimed exact is drawn as W&B defines it; what is not says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from automl.spaces.file import load_space
from automl.spaces.parameters import Parameter
from tests.spaces.sampled import values

DRAWS = 3000
LEAST_P = 1e-3
"""The draws are seeded, so a test that passes once passes always."""

Array = npt.NDArray[np.float64]


def parameter(name: str, **spec: Any) -> Parameter:
    return load_space({"parameters": {name: spec}}).parameters[0]


def rounded(values_N: Array, quantum: float) -> Array:
    return np.asarray(np.round(np.round(values_N / quantum) * quantum, 9))  # without dust, so that ties are ties


def _uniform(low: float, high: float) -> Callable[[Array], Array]:
    return lambda quantiles_N: low + (high - low) * quantiles_N


EXACT: dict[str, tuple[str, dict[str, Any], Callable[[Array], Array]]] = {
    "uniform": ("dropout", {"min": 0.1, "max": 0.6}, _uniform(0.1, 0.6)),
    "int_uniform": ("width", {"min": 3, "max": 9}, lambda u_N: np.floor(3 + 7 * u_N)),
    "categorical": ("width", {"values": [8, 16, 64]}, lambda u_N: np.array([8, 16, 64])[np.floor(3 * u_N).astype(int)]),
    "log_uniform_values": ("learning_rate", {"min": 1e-4, "max": 1e-1}, lambda u_N: 1e-4 * 1000**u_N),
    "inv_log_uniform_values": ("learning_rate", {"min": 1e-4, "max": 1e-1}, lambda u_N: 1 / (1e1 * 1000**u_N)),
    "log_uniform": ("learning_rate", {"min": -9, "max": -2}, lambda u_N: np.exp(-9 + 7 * u_N)),
    "inv_log_uniform": ("learning_rate", {"min": 2, "max": 9}, lambda u_N: 1 / np.exp(2 + 7 * u_N)),
    "q_uniform": ("dropout", {"min": 0.1, "max": 0.48, "q": 0.1}, lambda u_N: rounded(0.1 + 0.38 * u_N, 0.1)),
    "q_log_uniform": ("batch_size", {"min": 3, "max": 6, "q": 4}, lambda u_N: rounded(np.exp(3 + 3 * u_N), 4)),
    "q_log_uniform_values": (
        "batch_size",
        {"min": 17, "max": 300, "q": 8},
        lambda u_N: rounded(17 * (300 / 17) ** u_N, 8),
    ),
    "normal": ("dropout", {"mu": 0.45, "sigma": 0.05}, stats.norm(0.45, 0.05).ppf),
    "q_normal": ("width", {"mu": 90, "sigma": 12, "q": 5}, lambda u_N: rounded(stats.norm(90, 12).ppf(u_N), 5)),
    "log_normal": ("learning_rate", {"mu": -6, "sigma": 1}, stats.lognorm(1, scale=np.exp(-6)).ppf),
    "q_log_normal": (
        "hidden_dim",
        {"mu": 5, "sigma": 0.5, "q": 16},
        lambda u_N: rounded(stats.lognorm(0.5, scale=np.exp(5)).ppf(u_N), 16),
    ),
    "beta": ("flip", {"a": 2, "b": 5}, stats.beta(2, 5).ppf),
    "q_beta": ("flip", {"a": 2, "b": 5, "q": 0.1}, lambda u_N: rounded(stats.beta(2, 5).ppf(u_N), 0.1)),
}
"""Field, keys, and W&B's value of a uniform quantile. Source: github.com/wandb/sweeps, params.py."""


@pytest.mark.parametrize("name", EXACT)
def test_exact_distributions_are_those_of_wandb(name: str) -> None:
    field, keys, definition = EXACT[name]
    read = parameter(field, distribution=name, **keys)
    assert read.exact
    ours_N = np.array(values(read.distribution, DRAWS), dtype=float)
    quantiles_N = np.random.default_rng(1).uniform(size=20 * DRAWS)
    assert stats.ks_2samp(ours_N, definition(quantiles_N)).pvalue > LEAST_P


def test_every_distribution_of_wandb_is_exact_or_says_what_it_is_not() -> None:
    approximate = {
        "categorical_w_probabilities": (
            parameter("depth", values=[1, 2], probabilities=[0.9, 0.1]),
            "the probabilities are lost: all values are alike",
        ),
        "normal": (
            parameter("dropout", distribution="normal", mu=0.3, sigma=0.2),
            "cut to 0 to 0.95: 0.067 of it is outside",
        ),
        "q_beta": (
            parameter("flip", distribution="q_beta", a=2, b=2, q=0.6),
            "cut to 0 to 1: 0.028 of it is outside",
        ),
        "uniform": (parameter("depth", distribution="uniform", min=1, max=4), "rounded to whole numbers"),
        "categorical": (parameter("depth", values=[1, 1, 2]), "repeated values count once"),
    }
    for read, note in approximate.values():
        assert not read.exact
        assert read.note == note


def test_quantized_values_carry_no_dust_of_binary_fractions() -> None:
    read = parameter("dropout", distribution="q_uniform", min=0.1, max=0.9, q=0.1)
    assert read.distribution.values() == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert set(values(read.distribution, 200)) == set(read.distribution.values() or ())


def test_two_whole_numbers_on_a_field_of_numbers_say_what_they_mean() -> None:
    read = parameter("rotation_degrees", min=0, max=30)
    assert read.exact
    assert read.note == "two whole numbers mean whole numbers only; 0.0 for 0 means all between"
