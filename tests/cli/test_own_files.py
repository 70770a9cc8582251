"""Commands that write files never overwrite what automl did not write, and say so before they work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.cli.main import main
from automl.own_files import is_own
from tests.finished import Finished
from tests.test_own_files import foreign

STUDY = "digits-space-accuracy"


@pytest.fixture
def folder(finished: Finished, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The current folder, with the finished study at hand and no other setting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTOML_HOME", str(finished.folder / ".automl"))
    return tmp_path


@pytest.mark.parametrize(
    ("command", "file", "option"),
    [
        (("report", STUDY, "--output", "."), "README.md", "--output"),
        (("report", STUDY, "--output", "."), "images/history.png", "--output"),
        (("backup", STUDY, "photos.zip"), "photos.zip", "FILE"),
        (("inspect", "digits", "--output", "."), "samples.png", "--output"),
        (("best", STUDY, "--export", "mine.pt"), "mine.pt", "--export"),
        (("best", STUDY, "--top", "2", "--export", "mine.onnx"), "mine.onnx", "--export"),
        (("best", STUDY, "--export", "mine.pt2"), "mine.md", "--export"),
        (("search", "--data", "digits", "--study", "never", "--export", "mine.pt"), "mine.pt", "--export"),
        (("train", "recipe.yaml", "--data", "digits", "--export", "mine.pt"), "mine.pt", "--export"),
    ],
)
def test_foreign_file_stays(
    command: tuple[str, ...], file: str, option: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / file).parent.mkdir(exist_ok=True)
    foreign(folder / file)
    content = (folder / file).read_bytes()
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith(
        f"automl: {file} is there and automl did not write it, so it is not overwritten. "
        f"Give {option} another name, or move the file away.\n"
    )
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / file]
    assert (folder / file).read_bytes() == content


def test_own_files_are_written_again(folder: Path, finished: Finished) -> None:
    for _ in range(2):
        assert main(["backup", STUDY, "study.zip"]) == 0
        assert main(["inspect", "digits", "--output", "seen"]) == 0
    assert all(is_own(path) for path in folder.rglob("*.*"))
    assert all(is_own(finished.folder / name) for name in ("model.pt", "model.md"))


def test_refused_search_leaves_no_study(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign(folder / "mine.pt")
    assert main(["search", "--data", "digits", "--study", "never", "--export", "mine.pt"]) == 2
    assert main(["status", "never"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]  # other tests may have left studies beside the search
    assert re.fullmatch(r"automl: There is no study 'never'\. Known: .*\bdigits-space-accuracy\b.*\.", last)
