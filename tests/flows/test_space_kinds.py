"""Spaces of every kind through the real command line: a W&B sweep file as it is, and a function in Python."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Automl

SWEEP = """\
program: train.py
method: random
metric: {name: val_loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 2, eta: 2}
run_cap: 3
parameters:
  lr: {distribution: log_uniform_values, min: 0.001, max: 0.01}
  batch_size: {values: [32, 64], probabilities: [0.9, 0.1]}
  num_layers: {value: 1}
  filters: {value: 8}
  patience: {value: 5}
  num_epochs: {value: 2}
"""
FUNCTION = """\
def drawn(trial):
    depth = trial.suggest_int("depth", 0, 1)
    if depth == 0:
        return {"depth": 0, "hidden_dim": trial.suggest_int("hidden", 8, 16), "epochs": 1}
    width = trial.suggest_categorical("width", [8, 16])
    return {"depth": 1, "width": width, "batch_size": 4 * width, "epochs": 1}
"""


def test_sweep_file_sets_sampler_metric_pruner_and_budget_and_each_is_said(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    created = automl("create", "swept", "--data", "digits", "--space", "sweep.yaml")
    assert created.returncode == 0, created.stderr
    for line in (
        "program: without effect here: the service trains by itself",
        "method: random → sampler random",
        "metric: val_loss → loss of the validation split, to minimize",
        "early_terminate: hyperband → pruner successive-halving with the same bands, at epochs 2, 4, 8, …: "
        "one of 2 goes on",
        "run_cap: 3 → --trials 3",
        "batch_size: the probabilities are lost: all values are alike",
        "patience: without effect here: the pruner replaces it: it stops what is worse than the median of the other "
        "trials",
    ):
        assert f"       {line}\n" in created.stderr
    assert "search sweep: random proposes, successive-halving prunes\n" in created.stderr
    status = json.loads(automl("status", "--json").stdout)
    assert (status["budget_trials"], status["metric"]) == (3, "loss")
    assert automl("worker", "swept", "--threads", "1").returncode == 0
    status = json.loads(automl("status", "--json").stdout)
    assert (status["finished"], status["failed"]) == (3, 0)
    trial = json.loads(automl("show", "0", "--json").stdout)
    assert (trial["recipe"]["depth"], trial["recipe"]["width"], trial["recipe"]["epochs"]) == (1, 8, 2)
    assert trial["value"] == min(epoch["validation_loss"] for epoch in trial["epochs"])


def test_flags_override_a_sweep_file_and_it_is_said(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    flags = ("--sampler", "tpe", "--metric", "macro_f1", "--pruner", "none", "--trials", "7")
    created = automl("create", "--data", "digits", "--space", "sweep.yaml", *flags)
    assert created.returncode == 0, created.stderr
    for line in (
        "--sampler tpe instead of the file's random",
        "--metric macro_f1 instead of the file's loss",
        "--pruner none instead of the file's successive-halving",
        "--trials 7 instead of the file's 3",
    ):
        assert f"       {line}\n" in created.stderr
    assert "search sweep: tpe proposes, none prunes\n" in created.stderr
    status = json.loads(automl("status", "--json").stdout)
    assert (status["study"], status["metric"], status["budget_trials"]) == ("digits-sweep-macro-f1", "macro_f1", 7)


def test_sweep_file_goes_before_the_settings(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    environment = {"AUTOML_METRIC": "accuracy", "AUTOML_TRIALS": "9"}
    assert automl("create", "--data", "digits", "--space", "sweep.yaml", environment=environment).returncode == 0
    status = json.loads(automl("status", "--json").stdout)
    assert (status["metric"], status["budget_trials"]) == ("loss", 3)


def test_flags_that_the_pruner_does_not_read_are_told(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    flags = ("--pruner", "hyperband", "--startup-trials", "20")
    created = automl("create", "--data", "digits", "--space", "sweep.yaml", *flags)
    assert created.returncode == 0, created.stderr
    assert "       --startup-trials has no effect: hyperband prunes without it\n" in created.stderr


def test_space_in_python_is_called_by_the_worker(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "my_spaces.py").write_text(FUNCTION)
    created = automl("create", "--data", "digits", "--space", "my_spaces:drawn", "--trials", "4", "--sampler", "random")
    assert created.returncode == 0, created.stderr
    assert "my_spaces:drawn is called as it is: what it proposes is not fitted to the images" in created.stderr
    worked = automl("worker", "--threads", "1")
    assert worked.returncode == 0, worked.stderr
    recipes = [json.loads(automl("show", str(number), "--json").stdout)["recipe"] for number in range(4)]
    assert {recipe["depth"] for recipe in recipes} == {0, 1}
    for recipe in recipes:
        if recipe["depth"]:
            assert recipe["batch_size"] == 4 * recipe["width"]
        else:
            assert 8 <= recipe["hidden_dim"] <= 16


def test_function_that_returns_no_recipe_is_refused_before_there_is_a_study(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "my_spaces.py").write_text("def drawn(trial):\n    return 'deep'\n")
    refused = automl("create", "--data", "digits", "--space", "my_spaces:drawn", "--trials", "1")
    assert refused.returncode == 2
    assert "my_spaces:drawn returned str. It has to return a mapping of recipe fields" in refused.stderr


def test_function_that_returns_no_recipe_fails_its_trials_with_the_reason(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "my_spaces.py").write_text(
        "from pathlib import Path\ndef drawn(trial):\n    return 'deep' if Path('later').exists() else {'depth': 1}\n"
    )
    assert automl("create", "--data", "digits", "--space", "my_spaces:drawn", "--trials", "1").returncode == 0
    (tmp_path / "later").touch()
    assert automl("worker", "--threads", "1").returncode == 0
    trial = json.loads(automl("show", "0", "--json").stdout)
    assert trial["failure"] == "refused"
    assert "my_spaces:drawn returned str. It has to return a mapping of recipe fields" in trial["reason"]
