"""Exponents of e that were meant as values are refused; those that were meant stay."""

from __future__ import annotations

import re

import pytest

from automl.errors import SpaceError
from automl.spaces.file import load_space

VALUES_MEANT = [
    ("learning_rate", "log_uniform", 1e-4, 0.1, "1 to 1.11", "-9.21 to -2.3"),
    ("learning_rate", "log_uniform", 0.01, 1, "1.01 to 2.72", "-4.61 to 0"),
    ("learning_rate", "inv_log_uniform", 1e-4, 0.1, "0.905 to 1", "2.3 to 9.21"),
    ("dropout", "q_log_uniform", 0.001, 0.1, "1 to 1.11", "-6.91 to -2.3"),
    ("width", "log_uniform", 16, 128, "8.89e+06 to 3.89e+55", "2.77 to 4.85"),
    ("batch_size", "q_log_uniform", 32, 256, "7.9e+13 to 1.51e+111", "3.47 to 5.55"),
]


@pytest.mark.parametrize(("field", "name", "low", "high", "powers", "logs"), VALUES_MEANT)
def test_exponents_that_are_meant_as_values_are_refused_with_both_ways_out(
    field: str, name: str, low: float, high: float, powers: str, logs: str
) -> None:
    spec: dict[str, object] = {"distribution": name, "min": low, "max": high}
    values = "log_uniform_values"
    if name.startswith("q_"):
        spec, values = spec | {"q": 0.001 if field == "dropout" else 8}, "q_log_uniform_values"
    sentence = (
        f"{field}: {name} takes exponents of e, and {low:g} to {high:g} means {powers}. For these values write "
        f"{{distribution: {values}, min: {low:g}, max: {high:g}}}, or give their exponents: {logs}."
    )
    with pytest.raises(SpaceError, match=re.escape(sentence)):
        load_space({"parameters": {field: spec}})
    load_space({"parameters": {field: spec | {"distribution": values}}})  # the first way out
    first, last = map(float, logs.split(" to "))
    load_space({"parameters": {field: spec | {"min": first, "max": last}}})  # the second one


def test_exponents_from_zero_to_a_fraction_are_refused() -> None:
    sentence = (
        "weight_decay: log_uniform takes exponents of e, and 0 to 0.1 means 1 to 1.11. "
        "For values write {distribution: log_uniform_values, min: ABOVE_ZERO, max: 0.1}."
    )
    with pytest.raises(SpaceError, match=re.escape(sentence)):
        load_space({"parameters": {"weight_decay": {"distribution": "log_uniform", "min": 0, "max": 0.1}}})


@pytest.mark.parametrize(
    ("field", "spec", "sentence"),
    [
        (
            "learning_rate",
            {"distribution": "log_normal", "mu": 0.01, "sigma": 0.005},
            "learning_rate: log_normal takes mu and sigma of the logarithm, and 0.01 means values about 1.01. For "
            "values about 0.01 write {distribution: normal, mu: 0.01, sigma: 0.005}, or give the logarithm's: "
            "{mu: -4.61, sigma: 0.5}.",
        ),
        (
            "width",
            {"distribution": "q_log_normal", "mu": 64, "sigma": 16, "q": 8},
            "width: q_log_normal takes mu and sigma of the logarithm, and 64 means values about 6.24e+27. For values "
            "about 64 write {distribution: q_normal, mu: 64, sigma: 16}, or give the logarithm's: "
            "{mu: 4.16, sigma: 0.25}.",
        ),
    ],
)
def test_logarithms_of_a_curve_that_are_meant_as_values_are_refused(
    field: str, spec: dict[str, object], sentence: str
) -> None:
    with pytest.raises(SpaceError, match=re.escape(sentence)):
        load_space({"parameters": {field: spec}})


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        ("learning_rate", {"distribution": "log_uniform", "min": -9, "max": -2}),
        ("width", {"distribution": "log_uniform", "min": 0, "max": 5}),
        ("width", {"distribution": "log_uniform", "min": 2, "max": 4}),
        ("rotation_degrees", {"distribution": "log_uniform", "min": 1, "max": 4}),
        ("hidden_dim", {"distribution": "log_normal", "mu": 5, "sigma": 0.5}),
        ("rotation_degrees", {"distribution": "log_normal", "mu": 2, "sigma": 1}),
    ],
)
def test_exponents_that_are_meant_stay_exponents(field: str, spec: dict[str, object]) -> None:
    assert load_space({"parameters": {field: spec}}).parameters[0].is_searched
