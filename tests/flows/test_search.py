from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits
from sqlalchemy import text

import automl
from automl.storage.database import open_database
from tests.finished import Finished


def test_search_prints_the_best_and_where_everything_is(finished: Finished) -> None:
    answer = finished.done.stdout
    assert re.search(
        r"^Trial \d of study digits-space-accuracy: validation accuracy 0\.\d{4} at epoch \d$", answer, re.M
    )
    assert re.search(r"^  test accuracy 0\.\d{4} \(95 % interval .*, 179 images\), macro F1", answer, re.M)
    for line in ("model  model.pt (", f"study  digits-space-accuracy in {finished.folder}/.automl", "wandb  "):
        assert f"\n{line}" in answer
    assert (finished.folder / "model.pt").exists()
    assert len(list((finished.folder / ".automl" / "wandb").glob("offline-run-*"))) == 5


def test_search_says_device_data_and_each_trial(finished: Finished) -> None:
    lines = finished.done.stderr
    assert "data   digits: 1,439 train, 179 validation, 10 classes, 1 × 8 × 8" in lines
    assert re.search(r"^worker 0: cpu.*, (float32|bfloat16)$|^worker 0: cuda", lines, re.M)
    assert len(re.findall(r"^\[\d/5\] trial +\d (?:complete|pruned)", lines, re.M)) == 5


def test_status_as_json_is_one_document(finished: Finished) -> None:
    done = finished.automl("status", "--json")
    status = json.loads(done.stdout)
    assert status["finished"] == status["budget_trials"] == 5
    assert status["complete"] + status["pruned"] == 5
    assert status["running"] == []
    assert status["waiting"] == 0
    assert done.stderr == ""


def test_studies_lists_the_study(finished: Finished) -> None:
    (summary,) = json.loads(finished.automl("studies", "--json").stdout)
    assert (summary["study"], summary["finished"], summary["data"]) == ("digits-space-accuracy", 5, "digits")


def test_best_is_the_highest_value_of_all_trials(finished: Finished) -> None:
    best = json.loads(finished.automl("best", "--json").stdout)
    shown = [json.loads(finished.automl("show", str(number), "--json").stdout) for number in range(5)]
    complete = [trial for trial in shown if trial["state"] == "complete"]
    assert best["value"] == max(trial["value"] for trial in complete)
    assert best["value"] == max(epoch["validation_accuracy"] for epoch in best["epochs"])
    assert [epoch["epoch"] for epoch in best["epochs"]] == list(range(5))


def test_any_trial_can_be_looked_at_instead_of_the_best(finished: Finished) -> None:
    for number in range(5):
        done = finished.automl("best", "--trial", str(number))
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"Trial {number} of study digits-space-accuracy: ")


def test_baselines_come_first(finished: Finished) -> None:
    first = json.loads(finished.automl("show", "0", "--json").stdout)
    assert first["recipe"]["depth"] == 0


def test_recipe_file_repeats_the_trial_bit_for_bit(finished: Finished) -> None:
    recipe = finished.automl("show", "best", "--recipe").stdout
    assert json.loads(finished.automl("show", "best", "--recipe", "--json").stdout) == yaml.safe_load(recipe)
    (finished.folder / "recipe.yaml").write_text(recipe)
    best = json.loads(finished.automl("show", "best", "--json").stdout)
    done = finished.automl("train", "recipe.yaml", "--data", "digits", "--export", "again.pt", "--json")
    again = json.loads(done.stdout)
    figures = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "gradient_norm")
    assert [[epoch[name] for name in figures] for epoch in again["epochs"]] == [
        [epoch[name] for name in figures] for epoch in best["epochs"]
    ]
    first, second = (automl.load_model(finished.folder / name) for name in ("model.pt", "again.pt"))
    assert first.metrics == second.metrics
    images = load_digits().images[:8].astype(np.float32) / 16
    np.testing.assert_array_equal(first.predict_probabilities(images), second.predict_probabilities(images))


def test_exported_model_evaluates_as_the_search_said(finished: Finished) -> None:
    answer = json.loads(finished.automl("evaluate", "model.pt", "--data", "digits", "--json").stdout)
    assert f"test accuracy {answer['accuracy']:.4f} " in finished.done.stdout
    assert answer["n"] == 179
    table = finished.automl("evaluate", "model.pt", "--data", "digits", "--split", "validation").stdout
    assert re.match(r"split +validation, 179 images\n", table)


def test_card_says_of_the_validation_split_what_the_model_answers(finished: Finished) -> None:
    on_validation = finished.automl("evaluate", "model.pt", "--data", "digits", "--split", "validation", "--json")
    answer = json.loads(on_validation.stdout)
    said = automl.load_model(finished.folder / "model.pt").card.metrics
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "loss"):
        assert said[f"validation_{name}"] == pytest.approx(answer[name], abs=1e-5)


def test_predict_finds_the_digit(finished: Finished) -> None:
    digits = load_digits()
    for index in range(5):
        pixels = (digits.images[index] * 255 / 16).astype(np.uint8)
        Image.fromarray(pixels).save(finished.folder / f"{index}.png")
    names = [f"{index}.png" for index in range(5)]
    answers = json.loads(finished.automl("predict", "model.pt", *names, "--json").stdout)
    assert [answer["image"] for answer in answers] == names
    assert sum(answer["label"] == str(digits.target[i]) for i, answer in enumerate(answers)) >= 4
    assert all(abs(sum(answer["probabilities"].values()) - 1) < 1e-5 for answer in answers)


def test_same_command_again_trains_nothing(finished: Finished) -> None:
    done = finished.automl(
        *("search", "--data", "digits", "--space", "space.yaml", "--trials", "5", "--seed", "3", "--workers", "1")
    )
    assert done.returncode == 0, done.stderr
    assert "[5/5]" not in done.stderr
    assert json.loads(finished.automl("status", "--json").stdout)["finished"] == 5


def test_contradiction_is_refused_with_the_difference(finished: Finished) -> None:
    arguments = ("search", "--data", "digits", "--space", "space.yaml", "--trials", "5")
    done = finished.automl(*arguments, "--seed", "4", "--study", "digits-space-accuracy")
    assert done.returncode == 2
    assert "  seed: it has 3, this command asks for 4" in done.stderr
    (finished.folder / "other").mkdir(exist_ok=True)
    wider = (finished.folder / "space.yaml").read_text().replace("max: 2", "max: 1")
    (finished.folder / "other" / "space.yaml").write_text(wider)
    done = finished.automl(*arguments, "--seed", "3", "--space", "other/space.yaml")
    assert done.returncode == 2
    assert "  space: depth differs" in done.stderr


def test_lowered_total_is_refused(finished: Finished) -> None:
    done = finished.automl("search", "--data", "digits", "--space", "space.yaml", "--trials", "3", "--seed", "3")
    assert done.returncode == 2
    assert "already has a total of 5 for --trials; 3 would lower it" in done.stderr


def test_trials_that_fit_are_imported_into_a_changed_space(finished: Finished) -> None:
    (finished.folder / "narrow.yaml").write_text(
        (finished.folder / "space.yaml").read_text().replace("{min: 0, max: 2}", "{min: 1, max: 2}")
    )
    done = finished.automl(
        *("create", "narrow", "--from", "digits-space-accuracy", "--data", "digits", "--space", "narrow.yaml"),
        *("--seed", "3", "--trials", "9"),
    )
    assert done.returncode == 0, done.stderr
    trials = [json.loads(finished.automl("show", str(n), "digits-space-accuracy", "--json").stdout) for n in range(5)]
    fitting = [trial for trial in trials if trial["recipe"]["depth"] >= 1]
    assert (
        f"{len(fitting)} finished trials imported from digits-space-accuracy; {5 - len(fitting)} do not fit"
        in done.stderr
    )
    carried = json.loads(finished.automl("show", "0", "narrow", "--json").stdout)
    assert carried["recipe"] == fitting[0]["recipe"]
    assert carried["epochs"] == fitting[0]["epochs"]
    exported = finished.automl("best", "narrow", "--export", "narrow.pt")
    assert exported.returncode == 0, exported.stderr


def test_nothing_is_imported_into_a_grid(finished: Finished) -> None:
    (finished.folder / "all.yaml").write_text("parameters: {depth: {values: [0, 1]}, epochs: {value: 1}}")
    refused = finished.automl(
        *("create", "all", "--from", "digits-space-accuracy", "--data", "digits", "--space", "all.yaml"),
        *("--sampler", "grid"),
    )
    assert refused.returncode == 2
    assert "--from and the sampler grid do not go together" in refused.stderr
    assert "all" not in finished.automl("studies").stdout.split()


def test_delete_asks_first(finished: Finished) -> None:
    space = finished.folder / "space.yaml"
    assert finished.automl("create", "doomed", "--data", "digits", "--space", space).returncode == 0
    refused = finished.automl("delete", "doomed", answer="n\n")
    assert refused.returncode == 2
    assert "Nothing was deleted." in refused.stderr
    assert finished.automl("delete", "doomed", answer="y\n").returncode == 0
    assert finished.automl("status", "doomed").returncode == 2


def test_deleted_study_leaves_nothing_behind(finished: Finished) -> None:
    before = files_of(finished)
    done = finished.automl(
        *("search", "--data", "digits", "--space", "space.yaml", "--trials", "1", "--epochs", "1", "--study", "brief"),
        *("--workers", "1"),
    )
    assert done.returncode == 0, done.stderr
    made = {path.parts[1] for path in files_of(finished) - before}
    assert made == {"artifacts", "logs", "wandb"}
    assert finished.automl("delete", "brief", "--yes").returncode == 0
    assert files_of(finished) == before


def files_of(finished: Finished) -> set[Path]:
    """All files of the home but the database's own."""
    home = finished.folder / ".automl"
    found = (path.relative_to(finished.folder) for path in home.rglob("*") if path.is_file())
    return {path for path in found if not path.parts[1].startswith("postgres")}


def test_test_split_openings_are_recorded(finished: Finished) -> None:
    with open_database(None, home=finished.folder / ".automl") as database, database.engine.connect() as connection:
        commands = connection.scalars(text("SELECT command FROM automl_test_openings ORDER BY opened_at")).all()
    assert commands[0] == "search --export"


@pytest.mark.parametrize(
    ("sampler", "pruner", "metric"),
    [
        ("tpe", "percentile", "macro_f1"),
        ("local", "hyperband", "balanced_accuracy"),
        ("gp", "successive-halving", "loss"),
        ("qmc", "none", "accuracy"),
    ],
)
def test_every_sampler_pruner_and_metric_searches(finished: Finished, sampler: str, pruner: str, metric: str) -> None:
    study = f"by-{sampler}-for-{metric}"
    done = finished.automl(
        *("search", "--data", "digits", "--space", "space.yaml", "--trials", "5", "--epochs", "3", "--workers", "1"),
        *("--sampler", sampler, "--pruner", pruner, "--startup-trials", "1", "--warmup-epochs", "1"),
        *("--metric", metric, "--study", study),
        environment={"WANDB_MODE": "disabled"},
    )
    assert done.returncode == 0, done.stderr
    assert f"{sampler} proposes, {pruner} prunes" in done.stderr
    assert "[5/5]" in done.stderr
    choose = min if metric == "loss" else max
    best = json.loads(finished.automl("best", study, "--json").stdout)
    assert best["value"] == choose(epoch[f"validation_{metric}"] for epoch in best["epochs"])
    trials = trials_of(finished, study, best_epoch=f"{choose.__name__}(validation_{metric})")
    assert all(value == best_epoch for value, best_epoch in trials)
    assert best["value"] == choose(value for value, _ in trials)


def trials_of(finished: Finished, study: str, *, best_epoch: str) -> list[tuple[float, float]]:
    """Value and best epoch's figure of the complete trials."""
    query = f"""
        SELECT value, {best_epoch} FROM trial_values
        JOIN trials USING (trial_id) JOIN studies USING (study_id) JOIN automl_epochs USING (trial_id)
        WHERE study_name = :study AND state = 'COMPLETE' GROUP BY trial_id, value
    """
    with open_database(None, home=finished.folder / ".automl") as database, database.engine.connect() as connection:
        return [(row[0], row[1]) for row in connection.execute(text(query), {"study": study})]


def test_grid_tries_every_combination_once(finished: Finished) -> None:
    (finished.folder / "grid.yaml").write_text(
        "parameters:\n  depth: {values: [0, 1]}\n  width: {values: [8, 16], when: {depth: 1}}\n  epochs: {value: 1}\n"
    )
    done = finished.automl("search", "--data", "digits", "--space", "grid.yaml", "--sampler", "grid", "--workers", "2")
    assert done.returncode == 0, done.stderr
    trials = [json.loads(finished.automl("show", str(n), "digits-grid-accuracy", "--json").stdout) for n in range(3)]
    tried = {
        (trial["recipe"]["depth"], trial["recipe"]["width"] if trial["recipe"]["depth"] else None) for trial in trials
    }
    assert tried == {(0, None), (1, 8), (1, 16)}
    assert json.loads(finished.automl("status", "digits-grid-accuracy", "--json").stdout)["finished"] == 3
