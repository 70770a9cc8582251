"""W&B sweep files as they are: settings, notes, and every valid file loaded or refused with a reason."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import SpaceError
from automl.recipe import FIELDS
from automl.spaces.file import load_space
from automl.spaces.space import PrunerSetting, SearchSpace
from tests.spaces.sampled import recipes

PARAMETERS = {"learning_rate": {"value": 0.01}}


def sweep(**keys: Any) -> SearchSpace:
    return load_space({"parameters": PARAMETERS, **keys})


def test_settings_of_a_sweep_become_ours_each_with_a_note() -> None:
    space = sweep(
        program="train.py",
        command=["python", "train.py"],
        project="faces",
        method="bayes",
        metric={"name": "best_val_accuracy", "goal": "maximize", "target": 0.9},
        early_terminate={"type": "hyperband", "min_iter": 3, "eta": 2},
        run_cap=40,
    )
    assert (space.sampler, space.metric, space.budget) == ("tpe", "accuracy", 40)
    assert space.pruner == PrunerSetting("successive-halving", 3, 2)
    assert space.notes == (
        "program: without effect here: the service trains by itself",
        "command: without effect here: the service trains by itself",
        "project: without effect here: set WANDB_PROJECT",
        "method: bayes → sampler tpe (W&B's is a Gaussian process: --sampler gp)",
        "metric: best_val_accuracy → accuracy of the validation split, to maximize",
        "metric: target is without effect here",
        "early_terminate: hyperband → pruner successive-halving with the same bands, at epochs 3, 6, 12, …: "
        "one of 2 goes on",
        "run_cap: 40 → --trials 40",
    )


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("val_loss", "loss"),
        ("val/loss", "loss"),
        ("loss", "loss"),
        ("best_val_acc", "accuracy"),
        ("validation.accuracy", "accuracy"),
        ("val_f1_macro", "macro_f1"),
        ("balanced_acc", "balanced_accuracy"),
    ],
)
def test_metric_names_in_the_wild(name: str, metric: str) -> None:
    assert sweep(metric={"name": name}).metric == metric


@pytest.mark.parametrize("name", ["train_loss", "test_accuracy", "perplexity", ""])
def test_metrics_that_are_not_of_the_validation_split_are_refused(name: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(f"metric: {name!r} is not known. The validation split decides")):
        sweep(metric={"name": name})


def test_goal_that_nobody_says_is_the_metrics_own() -> None:
    assert "(W&B would minimize)" in sweep(metric={"name": "accuracy"}).notes[0]


@pytest.mark.parametrize(
    ("early_terminate", "expected"),
    [
        ({"type": "hyperband", "min_iter": 5}, PrunerSetting("successive-halving", 5, 3)),
        ({"type": "hyperband", "max_iter": 27, "s": 2}, PrunerSetting("successive-halving", 3, 3)),
        ({"type": "hyperband", "max_iter": 27, "s": 9}, PrunerSetting("successive-halving", 1, 3)),
        ({"type": "hyperband", "min_iter": 2, "eta": 1.5}, PrunerSetting("successive-halving", 2, 2)),
    ],
)
def test_bands_of_hyperband(early_terminate: dict[str, Any], expected: PrunerSetting) -> None:
    assert sweep(early_terminate=early_terminate).pruner == expected


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"method": "genetic"}, "method: unknown 'genetic'. Known: bayes, random, grid,"),
        ({"metrics": [{"name": "loss"}]}, "metrics: one metric decides here. Give one as `metric`."),
        ({"metric": "loss"}, "metric: 'loss' is not a mapping with a `name`"),
        ({"metric": {"name": "loss", "gaol": "minimize"}}, "metric: unknown key 'gaol'. Did you mean 'goal'?"),
        (
            {"metric": {"name": "val_acc", "goal": "minimize"}},
            "metric: val_acc with goal 'minimize', but accuracy is one to maximize",
        ),
        ({"run_cap": 0}, "run_cap: 0 is not a whole number above 0"),
        ({"early_terminate": {"type": "envelope"}}, "is not a mapping with `type: hyperband`"),
        ({"early_terminate": {"type": "hyperband"}}, "early_terminate: it needs min_iter, or max_iter and s"),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 1}},
            "early_terminate: eta = 1 has to be above 1",
        ),
        (
            {"early_terminate": {"type": "hyperband", "min_iter": "3"}},
            "early_terminate: min_iter = '3' is not a number above 0",
        ),
        ({"runcap": 3}, "unknown key 'runcap'. Did you mean 'run_cap'?"),
    ],
)
def test_settings_that_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        sweep(**keys)


def test_patience_is_noted_and_what_means_nothing_is_refused() -> None:
    parameters = {**PARAMETERS, "patience": {"value": 8}, "kernel_type": {"values": ["rbf", "poly"]}}
    with pytest.raises(SpaceError, match=re.escape("unknown parameter 'kernel_type'.")):
        load_space({"parameters": parameters})
    space = load_space({"parameters": parameters}, ignore_unknown=True)
    assert [parameter.name for parameter in space.parameters] == ["learning_rate"]
    assert space.notes == (
        "patience: without effect here: the pruner replaces it: it stops what is worse than the median of the other "
        "trials",
        "kernel_type: means nothing here and was left out",
    )


def test_nested_parameters_are_all_searched() -> None:
    nested = {"optimizer": {"parameters": {"lr": {"value": 0.1}, "name": {"parameters": {"opt": {"value": "sgd"}}}}}}
    space = load_space({"parameters": nested})
    assert {parameter.name for parameter in space.parameters} == {"learning_rate", "optimizer"}
    assert space.notes[0] == "optimizer: what is nested under it is searched like the rest, all at once"


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (
            {"lr": {"min": 0.1, "max": 0.2}, "momentum": {"value": 0.9}},
            "what: lr, momentum stand in it without `parameters:`. Put them under what: {parameters: …}.",
        ),
        ({"lr": {"min": 0.1, "max": 0.2}}, "what: lr stands in it without `parameters:`. Put it under what: "),
        (
            {"parameters": {"lr": {"value": 0.1}}, "momentum": {"value": 0.9}},
            "what: momentum stands in it without `parameters:`. Put it under what: {parameters: …}.",
        ),
    ],
)
@pytest.mark.parametrize("name", ["what", "optimizer"])
def test_nested_block_without_its_parameters_says_so(name: str, block: dict[str, object], sentence: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(sentence.replace("what", name))):
        load_space({"parameters": {name: block}})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"distribution": "q_uniform", "min": 1, "max": 9, "q": 0}, "depth: q = 0 has to be above 0"),
        ({"distribution": "q_uniform", "min": 1, "max": 4, "q": 0.5}, "depth: q = 0.5 does not lead to a whole number"),
        ({"distribution": "log_uniform_values", "min": 0, "max": 4}, "depth: min = 0 has no logarithm"),
        (
            {"distribution": "log_uniform", "min": 0, "max": 4},
            "depth: max = 4 leads to 55, which is not a whole number",
        ),
        ({"distribution": "log_uniform", "min": 0, "max": 1e9}, "depth: min and max are exponents of e here"),
        ({"distribution": "log_uniform", "min": 0, "max": 1e-99}, "depth: min and max are exponents of e here"),
        (
            {"distribution": "normal", "mu": 90, "sigma": 1},
            "depth: normal(90, 1) almost never gives a whole number",
        ),
        ({"distribution": "normal", "sigma": 0}, "depth: sigma = 0 has to be above 0"),
        (
            {"values": [1, 2], "probabilities": [0.5, 0.6]},
            "depth: probabilities have to be 2 numbers from 0 with the sum 1",
        ),
        ({"values": [1, 2], "probabilities": [1.0]}, "depth: probabilities have to be 2 numbers from 0 with the sum 1"),
        ({"values": [[1, 2], [3]]}, "depth: [1, 2] is not a whole number from 0 to 5"),
        ({"value": 10**400}, "is not a whole number from 0 to 5"),
        ({"value": None}, "depth: None is not a whole number from 0 to 5"),
        ({"mu": 1}, "depth: it has mu. Give `min` and `max`, `values`, `value`, or a `distribution`"),
        ({"distribution": "constant"}, "depth: constant needs `value`"),
        ({"distribution": "int_uniform", "min": 1.5, "max": 2}, "depth: min = 1.5 is not a whole number from 0 to 5"),
    ],
)
def test_distributions_that_are_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=re.escape(message)):
        load_space({"parameters": {"depth": spec}})


NAMES = st.sampled_from([*FIELDS, "lr", "dropout_rate", "batchsize", "hidden_size", "patience", "gamma"])
NUMBERS = st.one_of(
    st.integers(-3, 300), st.floats(-10, 300), st.floats(0, 1), st.sampled_from([0, 1, 1e-320, -1e300, 1e300, 10**400])
)
POSITIVE = NUMBERS.filter(lambda number: number > 0)
SCALARS = st.one_of(
    NUMBERS,
    st.booleans(),
    st.none(),
    st.text(max_size=5),
    st.sampled_from(["plain", "adam", "residual", "none", "Stride"]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.text(max_size=2), SCALARS, max_size=1))


def _ranges(*names: str, q: bool) -> st.SearchStrategy[dict[str, Any]]:
    optional = {"q": POSITIVE} if q else {}
    return st.fixed_dictionaries(
        {"distribution": st.sampled_from(names), "min": NUMBERS, "max": NUMBERS}, optional=optional
    )


def _curves(*names: str, first: str, second: str, numbers: st.SearchStrategy[float], q: bool) -> st.SearchStrategy[Any]:
    optional = {first: numbers, second: POSITIVE, **({"q": POSITIVE} if q else {})}
    return st.fixed_dictionaries({"distribution": st.sampled_from(names)}, optional=optional)


LOGS = ("log_uniform", "log_uniform_values", "inv_log_uniform", "inv_log_uniform_values")
PARAMETER: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"value": VALUES}),
    st.fixed_dictionaries({"values": st.lists(VALUES, min_size=1, max_size=4)}),
    st.just({"values": [1, 2], "probabilities": [0.25, 0.75]}),
    st.fixed_dictionaries({"min": NUMBERS, "max": NUMBERS}),
    _ranges("uniform", "int_uniform", *LOGS, q=False),
    _ranges("q_uniform", "q_log_uniform", "q_log_uniform_values", q=True),
    _curves("normal", "log_normal", first="mu", second="sigma", numbers=NUMBERS, q=False),
    _curves("q_normal", "q_log_normal", first="mu", second="sigma", numbers=NUMBERS, q=True),
    _curves("beta", first="a", second="b", numbers=POSITIVE, q=False),
    _curves("q_beta", first="a", second="b", numbers=POSITIVE, q=True),
)


@settings(max_examples=400, deadline=None)
@given(parameters=st.dictionaries(NAMES, PARAMETER, min_size=1, max_size=2))
def test_every_file_of_the_schema_loads_or_is_refused_with_a_reason(parameters: dict[str, Any]) -> None:
    try:
        space = load_space({"method": "random", "parameters": parameters})
    except SpaceError:
        return
    for recipe in recipes(space, 3):
        drawn = {parameter.name: getattr(recipe, parameter.name) for parameter in space.parameters}
        assert space.problems(drawn) == []
    assert SearchSpace.from_dict(json.loads(json.dumps(space.as_dict()))) == space
    again = load_space({"parameters": {parameter.name: parameter.spec() for parameter in space.parameters}})
    assert [one.distribution for one in again.parameters] == [one.distribution for one in space.parameters]


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "method": st.one_of(st.sampled_from(["grid", "random", "bayes", "custom"]), VALUES),
        "metric": st.one_of(st.fixed_dictionaries({"name": st.text(max_size=4)}, optional={"goal": SCALARS}), VALUES),
        "early_terminate": st.fixed_dictionaries(
            {"type": st.just("hyperband")},
            optional={"min_iter": SCALARS, "max_iter": SCALARS, "s": SCALARS, "eta": SCALARS},
        ),
        "run_cap": SCALARS,
        "name": VALUES,
        "description": VALUES,
        "first": VALUES,
        "program": VALUES,
    },
)


@settings(max_examples=200, deadline=None)
@given(keys=SETTINGS)
def test_any_settings_are_read_or_refused_with_a_reason(keys: dict[str, Any]) -> None:
    try:
        space = sweep(**keys)
    except SpaceError:
        return
    assert SearchSpace.from_dict(json.loads(json.dumps(space.as_dict()))) == space
    assert load_space(yaml.safe_load(space.to_yaml())).pruner == space.pruner


def test_file_in_which_nothing_means_anything_is_refused() -> None:
    with pytest.raises(SpaceError, match=re.escape("parameters: none of them means anything here")):
        load_space({"parameters": {"gamma": {"value": 1}}}, ignore_unknown=True)
