"""`automl predict`: what it takes, what it prints, what it leaves out and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from automl.cli.main import main
from tests.finished import Finished
from tests.refusals import assert_refused, write_images

Predict = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(finished: Finished, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Predict:
    """One command line in this process, which has torch loaded."""
    monkeypatch.chdir(finished.folder)

    def done(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        code = main([*map(str, arguments)])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return done


@pytest.fixture(scope="module")
def images(finished: Finished) -> Path:
    """A folder of images in the model's own shape and others, one in a folder below, one broken; and its zip."""
    folder = finished.folder / "new"
    write_images(folder / "more", count=3)
    write_images(folder / "wide [1]", count=1, size=20)
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(folder / "red.PNG")
    (folder / "notes.txt").write_text("no image")
    (folder / "broken.png").write_bytes((folder / "red.PNG").read_bytes()[:40])
    with zipfile.ZipFile(finished.folder / "new.zip", "w") as archive:
        for path in sorted(folder.rglob("*.*")):
            archive.write(path, path.relative_to(folder))
    return folder


NAMES = ["more/0.png", "more/1.png", "more/2.png", "red.PNG", "wide [1]/0.png"]
SAID = (
    "2 of 5 images have another size or colour than the model's 1 × 8 × 8 and were converted (crop)\n"
    "left out, being unreadable (1): {}/broken.png ("
)


@pytest.mark.parametrize("argument", ["new", "new.zip", "new/**"])
def test_folder_zip_and_glob_are_the_same_images(run: Predict, images: Path, argument: str) -> None:
    done = run("predict", "model.pt", argument, "--json")
    assert done.returncode == 0, done.stderr
    place = argument.removesuffix("/**")
    assert done.stderr.startswith(SAID.format(place))
    found = json.loads(done.stdout)
    assert sorted(row["image"] for row in found) == sorted(f"{place}/{name}" for name in NAMES)
    for row in found:
        assert row["probability"] == max(row["probabilities"].values())


def test_csv_has_the_figures_of_json(run: Predict, images: Path) -> None:
    done = run("predict", "model.pt", "new/wide [1]", "new/more/2.png", "--csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    table = run("predict", "model.pt", "new/wide [1]", "new/more/2.png")
    assert [row["image"] for row in rows] == ["new/wide [1]/0.png", "new/more/2.png"]
    for row, line in zip(rows, table.stdout.splitlines()[1:], strict=True):
        assert sum(float(row[f"probability_{name}"]) for name in "0123456789") == pytest.approx(1, abs=1e-5)
        assert float(row[f"probability_{row['label']}"]) == float(row["probability"])
        assert re.match(rf"{re.escape(row['image'])} +{row['label']} +{float(row['probability']):.3f}", line)


def test_what_leads_to_no_image_is_refused(run: Predict, finished: Finished, images: Path) -> None:
    (finished.folder / "bare").mkdir()
    refused = {
        "bare": "bare has no image in it. Known endings: .apng, .avif, .bmp, .gif, ",
        "nothing/*.png": "nothing/*.png matches no image here. Known endings: ",
        "missing.png": "There is no file or folder missing.png. Give images, folders, globs or zips of them.",
        "new/broken.png": "None of 1 can be read as an image: new/broken.png (",
        "new/notes.txt": "None of 1 can be read as an image: new/notes.txt (not an image). Give other files.",
    }
    for argument, sentence in refused.items():
        assert_refused(run("predict", "model.pt", argument), sentence)


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "run")


def test_no_model_file_is_unpickled(run: Predict, finished: Finished, images: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Malicious(trace)))
    torch.save(Malicious(trace), tmp_path / "zip.pt")
    shutil.copy(tmp_path / "pickle.pt", tmp_path / "model.pt2")
    shutil.copy(tmp_path / "zip.pt", tmp_path / "model.onnx")
    whole = (finished.folder / "model.pt").read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    refused = {
        "pickle.pt": "is no exported model: it is no file of torch. Make one with: automl best --export model.pt",
        "zip.pt": "is no exported model: it holds other things than dense tensors and plain values.",
        "model.pt2": "is for other programs: load_model, evaluate and predict take automl's own .pt alone.",
        "model.onnx": "is for other programs: load_model, evaluate and predict take automl's own .pt alone.",
        "half.pt": "is damaged: File is not a zip file. Copy or export it again.",
    }
    for name, sentence in refused.items():
        path = tmp_path / name
        assert_refused(run("predict", path, "new"), f"{path} {sentence}")
    assert_refused(run("evaluate", tmp_path / "pickle.pt", "--data", "digits"), "is no exported model")
    assert not trace.exists()
    pickle.loads((tmp_path / "pickle.pt").read_bytes())
    assert trace.read_text() == "run"
