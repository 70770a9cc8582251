"""Bad input at the real command line: exit 2, one message that says what was got, why it fails and what to do."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import Automl
from tests.refusals import PLAIN_SPACE, assert_refused, write_images


def test_missing_path(automl: Automl) -> None:
    assert_refused(automl("search", "--data", "no/such/photos"), "no/such/photos", "digits")


def test_empty_folder(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert_refused(automl("search", "--data", "photos"), "photos")


def test_one_class_only(automl: Automl, tmp_path: Path) -> None:
    write_images(tmp_path / "photos" / "cat", count=20)
    assert_refused(automl("search", "--data", "photos"), "Only one class, 'cat'")


def test_more_than_one_percent_unreadable_is_an_error(automl: Automl, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_images(tmp_path / "photos" / name, count=20)
    (tmp_path / "photos" / "cat" / "3.png").write_bytes(b"no image")
    assert_refused(automl("search", "--data", "photos"), "3.png")


def test_one_percent_unreadable_is_left_out_and_listed(automl: Automl, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_images(tmp_path / "photos" / name, count=60)
    (tmp_path / "photos" / "cat" / "3.png").write_bytes(b"no image")
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    done = automl("create", "--data", "photos", "--space", "space.yaml")
    assert done.returncode == 0, done.stderr
    assert "3.png" in done.stderr


def test_all_mistakes_of_a_space_at_once_each_with_its_line(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "faces.yaml").write_text(
        "parameters:\n  weigth_decay: {min: 0.1, max: 0.2}\n  dropout: {min: 0.5, max: 0.1}\n"
    )
    done = automl("search", "--data", "digits", "--space", "faces.yaml")
    assert_refused(
        done, "faces.yaml:2: unknown parameter 'weigth_decay'. Did you mean 'weight_decay'?", "faces.yaml:3:"
    )


def test_yaml_syntax_error_with_its_line(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "faces.yaml").write_text("parameters:\n  dropout: {min: 0.5\n")
    assert_refused(automl("space", "faces.yaml"), "faces.yaml:3: not YAML")


def test_unreachable_database(automl: Automl) -> None:
    started = time.monotonic()
    done = automl("status", "--storage", "postgresql://automl:secret@127.0.0.1:9/automl")
    assert_refused(
        done, "Cannot reach postgresql+psycopg2://automl:***@127.0.0.1:9/automl", "docker compose up -d postgres"
    )
    assert "secret" not in done.stderr
    assert time.monotonic() - started < 30


def test_sqlite_url(automl: Automl) -> None:
    done = automl("search", "--data", "digits", "--storage", "sqlite:///optuna.db")
    assert_refused(done, "sqlite:///optuna.db is not PostgreSQL", "Leave --storage out")


@pytest.mark.parametrize("host", ["127.0.0.1:abc", "[::bad"])
def test_url_whose_host_is_none_hides_its_password(automl: Automl, host: str) -> None:
    done = automl("status", "--storage", f"postgresql://automl:secret@{host}/automl")
    assert_refused(done, "automl: ", "postgresql://")
    assert "secret" not in done.stderr


def test_port_that_is_none(automl: Automl) -> None:
    assert_refused(automl("dashboard", "--port", "99999"), "argument --port: '99999' is not a port from 0 to 65535")


@pytest.mark.parametrize("name", ["../../b", os.fsdecode(b"\xff")])
def test_name_that_no_study_can_have(automl: Automl, name: str) -> None:
    assert_refused(automl("create", name, "--data", "digits"), "No study can be called '")


def test_name_like_a_statement_is_a_name(automl: Automl) -> None:
    name = "'; DROP TABLE studies; --\"%s:x"
    assert automl("create", name, "--data", "digits", "--space", "quick").returncode == 0
    assert automl("status", name, "--json").returncode == 0
    assert_refused(automl("status", os.fsdecode(b"\xff")), "There is no study '")


@pytest.mark.parametrize("command", ["status", "best", "show best", "stop", "worker", "dashboard"])
def test_no_study_yet(automl: Automl, command: str) -> None:
    assert_refused(automl(*command.split()), "There is no study yet. Make one with: automl search --data digits")


def test_unknown_study_and_no_finished_trial(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    assert automl("create", "mine", "--data", "digits", "--space", "space.yaml").returncode == 0
    assert_refused(automl("status", "mien"), "There is no study 'mien'. Did you mean 'mine'?")
    assert_refused(automl("best", "mine"), "Study mine has no complete trial yet")
    assert_refused(automl("best", "mine", "--export", "model.pt"), "Study mine has no complete trial yet")
    assert_refused(automl("show", "7", "mine"), "Study mine has no trial 7: it has 0, counted from 0.")


def test_two_answers_at_once(automl: Automl) -> None:
    assert_refused(automl("space", "quick", "--as", "yaml", "--json"), "--as yaml and --json are two answers")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--trials", "0"),
        ("--trials", "-3"),
        ("--workers", "0"),
        ("--timeout", "0"),
        ("--timeout", "soon"),
        ("--epochs", "0"),
        ("--keep", "0"),
        ("--trials", "abc"),
        ("--trials", "9" * 30),
        ("--seed", "9" * 12),
        ("--seed", "9" * 5000),
    ],
)
def test_zero_and_negative_counts(automl: Automl, arguments: tuple[str, str]) -> None:
    assert_refused(automl("search", "--data", "digits", *arguments), f"argument {arguments[0]}")


def test_zero_in_the_environment(automl: Automl) -> None:
    done = automl("search", "--data", "digits", environment={"AUTOML_TRIALS": "0"})
    assert_refused(done, "AUTOML_TRIALS is '0': it takes a whole number of at least 1.")
    done = automl("create", "--data", "digits", environment={"AUTOML_TRIALS": "3000000000"})
    assert_refused(done, "AUTOML_TRIALS is 3000000000: it takes at most 2,147,483,647.")


def test_unknown_ending_of_the_model_before_anything_is_trained(automl: Automl, home: Path) -> None:
    done = automl("search", "--data", "digits", "--export", "model.h5")
    assert_refused(done, "model.h5 ends in .h5: the ending picks the format")
    assert automl("studies").stdout.strip() == "study  data  metric  trials  best  created"


def test_no_data_named(automl: Automl) -> None:
    assert_refused(automl("search"), "Which data? Give --data (or AUTOML_DATA)")


def test_unknown_metric_in_the_environment(automl: Automl) -> None:
    done = automl("search", "--data", "digits", environment={"AUTOML_METRIC": "acuracy"})
    assert_refused(done, "Unknown metric 'acuracy'. Known: accuracy, macro_f1, balanced_accuracy, loss.")


def test_network_that_cannot_be_imported(automl: Automl) -> None:
    done = automl("search", "--data", "digits", "--space", "quick", "--trials", "1", "--model", "no_such:build")
    assert_refused(done, "no_such")


def test_endless_grid(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    done = automl("search", "--data", "digits", "--space", "space.yaml", "--sampler", "grid")
    assert_refused(done, "A grid needs an end, and these have none: learning_rate.")


def test_no_space_left_for_the_cache(automl: Automl, tmp_path: Path) -> None:
    """On a real file system that is full: a tmpfs of one megabyte."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs root")
    try:
        write_images(tmp_path / "photos" / "cat", count=60, size=200)
        write_images(tmp_path / "photos" / "dog", count=60, size=200)
        done = automl("search", "--data", "photos", "--home", small)
        assert_refused(done)
        assert re.search("space|full|free", done.stderr)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_study_whose_data_changed(automl: Automl, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write_images(tmp_path / "photos" / name, count=20)
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    create = ("create", "--data", "photos", "--space", "space.yaml")
    assert automl(*create).returncode == 0
    (tmp_path / "photos" / "cat" / "0.png").unlink()
    assert_refused(
        automl("worker"),
        "photos does not hold the data of study photos-space-accuracy: its fingerprint is ",
        " was expected. Restore those data, or name their location with --data.",
    )
    assert_refused(
        automl(*create), "Study photos-space-accuracy exists and differs", "data: it has photos with fingerprint"
    )


def test_foreign_model_file(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("no model")
    assert_refused(automl("evaluate", "model.pt", "--data", "digits"), "model.pt is no exported model")
    assert_refused(automl("predict", "model.pt", "face.png"), "model.pt is no exported model")


def test_recipe_file_with_mistakes(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("depth: 9\nwidht: 3\nrun: {metric: [acuracy]}\n")
    done = automl("train", "recipe.yaml", "--data", "digits")
    assert_refused(
        done,
        "recipe.yaml:1: depth = 9 is not a whole number from 0 to 5",
        "recipe.yaml:2: unknown parameter 'widht'. Did you mean 'width'?",
        "recipe.yaml:3: run: metric cannot be ['acuracy']",
    )
