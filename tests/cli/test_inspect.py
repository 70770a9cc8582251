"""`automl inspect` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import Automl


def save_noise(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(count)
    for number in range(count):
        Image.fromarray(random.integers(0, 256, (30, 20), np.uint8)).save(folder / f"{number}.png")


def test_look_at_digits_in_words(automl: Automl) -> None:
    done = automl("inspect", "digits")
    assert done.returncode == 0, done.stderr
    for words in (
        "validation (179 images) and test (179 images) cut from train",
        "to beat     validation accuracy 0.1006 by always saying '3', 0.8771 by the nearest mean image",
        "unreadable  no file",
    ):
        assert words in done.stdout
    assert "7        143   9.9          18  10.1    18  10.1" in done.stdout


def test_document_and_pictures(automl: Automl, tmp_path: Path) -> None:
    save_noise(tmp_path / "photos" / "кошки", 60)
    save_noise(tmp_path / "photos" / "狗", 5)
    done = automl("inspect", "photos", "--image-size", "16", "--fit", "pad", "--json", "--output", "seen/here")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["image_shape"] == [1, 16, 16]
    assert (document["image_size"], document["fit"]) == (16, "pad")
    assert document["splits"]["train"] == {"кошки": 48, "狗": 3}
    assert document["imbalance"] == 16
    assert "--metric macro_f1" in document["advice"][0]
    for path in document["pictures"].values():
        with Image.open(tmp_path / path) as picture:
            assert picture.format == "PNG"


def test_data_from_the_environment(automl: Automl) -> None:
    done = automl("inspect", "--json", environment={"AUTOML_DATA": "digits"})
    assert json.loads(done.stdout)["name"] == "digits"


def test_mistakes_are_told(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for arguments, message in (
        ((), "Which data? Name a folder"),
        (("no/such",), "No data at 'no/such'"),
        (("digits", "--image-size", "3"), "'3' is neither auto nor a whole number from 4 to 2048"),
        (("digits", "--output", "file"), "Cannot write pictures into file: File exists. Choose another --output."),
    ):
        done = automl("inspect", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
