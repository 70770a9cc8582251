"""Names that a terminal, Rich or an encoding would choke on, in real files at the real command line."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

import yaml

from automl.cli.printing.recipe_text import recipe_yaml
from automl.results.trials import read_trial
from automl.storage.database import open_database
from automl.study.record import find_study
from tests.conftest import Automl
from tests.data.pictures import save_classes, save_picture
from tests.finished import Finished

NAMES = {
    "[red]cat": "[red]cat",
    "[": "[",
    ":smile:": ":smile:",
    "a\nb": r"a\nb",
    "\x1b[31mred": r"\x1b[31mred",
    os.fsdecode(b"lat\xe9"): r"lat\xe9",
    "猫": "猫",
}
STRICT = {"PYTHONIOENCODING": "utf-8:strict"}
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def test_class_names_are_shown_as_they_are_and_steer_nothing(automl: Automl, tmp_path: Path) -> None:
    save_classes(tmp_path / "photos", dict.fromkeys(NAMES, 8))
    (tmp_path / "photos" / "猫" / "bad\x1b]0;owned\x07\n.png").write_bytes(b"?")
    done = automl("inspect", "photos", "--output", "seen", environment=STRICT)
    assert done.returncode == 0, done.stderr
    assert not CONTROLS.search(done.stdout + done.stderr)
    assert r"猫/bad\x1b]0;owned\x07\n.png: not an image" in done.stdout
    for name in NAMES.values():
        assert re.search(rf"^{re.escape(name)} +6 ", done.stdout, re.MULTILINE), name
    found = json.loads(automl("inspect", "photos", "--json", environment=STRICT).stdout)
    assert set(found["splits"]["train"]) == set(NAMES.values())


def test_terminal_of_few_characters_ends_no_command(automl: Automl) -> None:
    done = automl("inspect", "digits", environment={"PYTHONIOENCODING": "ascii:strict"})
    assert done.returncode == 0, done.stderr
    assert r"images      1 \xd7 8 \xd7 8" in done.stdout


def test_predicted_files_keep_their_names(finished: Finished, tmp_path: Path) -> None:
    for seed, name in enumerate(NAMES):
        save_picture(tmp_path / f"{name}.png", seed=seed, size=(8, 8))
    (tmp_path / "\x1b[2J.png").write_bytes(b"?")
    done = finished.automl("predict", "model.pt", tmp_path, environment=STRICT)
    assert done.returncode == 0, done.stderr
    assert not CONTROLS.search(done.stdout + done.stderr)
    for name in NAMES.values():
        assert f"{tmp_path}/{name}.png " in done.stdout
    assert r"\x1b[2J.png" in done.stderr


def test_line_end_in_a_path_does_not_leave_the_comment_of_a_recipe(finished: Finished) -> None:
    with open_database(None, home=finished.folder / ".automl") as database, database.engine.connect() as connection:
        record = find_study(connection, "digits-space-accuracy")
        trial = read_trial(connection, record, 0)
    elsewhere = dataclasses.replace(record.specification.data, reference="/tmp/x\nepochs: 1")
    specification = dataclasses.replace(record.specification, data=elsewhere)
    text = recipe_yaml(dataclasses.replace(record, specification=specification), trial)
    assert yaml.safe_load(text)["epochs"] == 5
    assert r"--data '/tmp/x\nepochs: 1' --export" in text
