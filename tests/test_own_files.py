from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from automl.errors import SettingsError
from automl.own_files import is_own, refuse_foreign


def foreign(path: Path) -> None:
    """Write what a person may have under such a name."""
    if path.suffix == ".png":
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)
    elif path.suffix in (".pt", ".pt2"):
        torch.save({"weights": torch.zeros(3)}, path)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("cat/1.png", b"image")
            archive.writestr("study.json", "[]")
            archive.writestr("trials.jsonl", "")
    else:
        path.write_text("# automl\n\nnotes of my own on automl")


@pytest.mark.parametrize(
    "name", ["README.md", "index.html", "samples.png", "mine.pt", "mine.pt2", "mine.onnx", "photos.zip", "recipe.yaml"]
)
def test_what_automl_did_not_write_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    foreign(path)
    sentence = (
        f"{path} is there and automl did not write it, so it is not overwritten. "
        "Give --output another name, or move the file away."
    )
    with pytest.raises(SettingsError, match=f"^{re.escape(sentence)}$"):
        refuse_foreign(path, option="--output")


def test_device_and_damaged_archive_are_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "half.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    assert not is_own(tmp_path / "half.zip")
    assert not is_own(Path("/dev/null"))


def test_nothing_and_an_empty_file_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.pt").touch()
    for path in (tmp_path / "empty.pt", tmp_path / "new.pt", tmp_path / "no" / "new.pt", tmp_path):
        refuse_foreign(path, option="--export")
