"""`automl check` at the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import Automl

SPACE = """\
parameters:
  depth: {values: [0, 1, 2]}
  width: {values: [8, 16], when: {depth: [1, 2]}}
  pooling: {value: flatten}
  dropout: {min: 0.3, max: 0.6}
  epochs: {value: 4}
"""
FORGETFUL = """\
import torch
from torch import nn
from automl.models.building import build_model

class Forgetful(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        logits = self.network(images)
        return logits if self.training else torch.zeros_like(logits)

def build(recipe, image_shape, num_classes):
    return Forgetful(build_model(recipe, image_shape, num_classes))
"""


def test_everything_is_well_with_the_digits(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    done = automl("check", "--data", "digits", "--space", "space.yaml", "--workers", "1", "--trials", "12")
    assert done.returncode == 0, done.stderr
    for line in (
        r"^storage    PostgreSQL 18\.\d+ embedded in .*home, \d+\.\d s to open$",
        r"^artifacts  .*/home/artifacts can be written$",
        r"^disk       \d+\.\d GB free in .*, up to 0\.\d GB needed$",
        r"^wandb      offline: runs stay in .*/home/wandb$",
        r"^device     (cpu|cuda:0|mps), .*(float32|bfloat16|float16)$",
        r"^smallest +650 +20 images in \d+ epochs +[\d.]+ s +[\d,]+ MiB +[\d,.]+  perceptron with no hidden layer",
        r"^largest +\d,\d{3} +20 images in \d+ epochs",
        r"^12 trials like the largest, with 1 worker: \d+:\d\d$",
    ):
        assert re.search(line, done.stdout, re.M), done.stdout
    assert "data   digits: 1,439 train, 179 validation, 10 classes, 1 × 8 × 8" in done.stderr


def test_json_is_one_document_that_adds_up(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    done = automl("check", "--data", "digits", "--space", "space.yaml", "--workers", "2", "--timeout", "1h", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["problems"] == []
    assert [finding["name"] for finding in answer["surroundings"]] == [
        "storage",
        "artifacts",
        "disk",
        "wandb",
        "device",
    ]
    assert all(finding["is_fine"] for finding in answer["surroundings"])
    assert (answer["workers"], answer["budget_trials"], answer["budget_seconds"]) == (2, None, 3600)
    assert [model["size"] for model in answer["models"]] == ["smallest", "middle", "largest"]
    for model in answer["models"]:
        assert model["learning"]["train_accuracy"] == model["learning"]["evaluation_accuracy"] == 1
        seconds_a_trial = model["recipe"]["epochs"] * model["pace"]["seconds_an_epoch"]
        assert abs(model["trials_an_hour"] - 2 * 3600 / seconds_a_trial) < 1e-6 * model["trials_an_hour"]
    assert 0.3 <= answer["models"][0]["recipe"]["dropout"] <= 0.6


def test_network_that_does_not_learn_is_a_problem_told_in_one_sentence(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "forgetful.py").write_text(FORGETFUL)
    (tmp_path / "space.yaml").write_text("parameters: {depth: {value: 0}, epochs: {value: 1}}\n")
    done = automl(
        *("check", "--data", "digits", "--space", "space.yaml", "--workers", "1", "--json"),
        *("--model", "forgetful:build"),
    )
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert "does not overfit 20 images: after 30 epochs 100% are right while training and 10% in" in problem
    assert "look for what it does only while training" in problem
    assert done.stderr.rstrip().endswith(problem)
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_around_is_told_at_once(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("parameters: {depth: {value: 0}, epochs: {value: 1}}\n")
    (tmp_path / "artifacts").write_text("a file, not a folder")
    done = automl(
        *("check", "--data", "digits", "--space", "space.yaml", "--workers", "1"),
        *("--storage", "postgresql://automl:secret@127.0.0.1:9/automl", "--artifacts", "artifacts/weights"),
        environment={"WANDB_MODE": "sometimes"},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr + done.stdout
    for sentence in (
        "Cannot reach postgresql+psycopg2://automl:***@127.0.0.1:9/automl",
        f"Cannot write to {tmp_path}/artifacts/weights: Not a directory. Make it writable",
        "WANDB_MODE is 'sometimes': it takes online, offline or disabled.",
    ):
        assert sentence in done.stderr
        assert f"WRONG: {sentence}" in done.stdout
    assert re.search(r" 20 images in", done.stdout)


def test_network_of_ones_own_that_cannot_be_built_is_refused(automl: Automl) -> None:
    done = automl("check", "--data", "digits", "--space", "quick", "--model", "no_such:build")
    assert done.returncode == 2
    assert "no_such" in done.stderr
    assert done.stdout == ""
