"""`automl copy`, `backup` and `restore` as people call them, on a finished search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.finished import Finished

STUDY = "digits-space-accuracy"


@pytest.fixture(scope="module")
def backup(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The search as one file."""
    file = tmp_path_factory.mktemp("backup") / "digits.zip"
    done = finished.automl("backup", STUDY, file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Study {STUDY} is in {file} (")
    assert "5 trials, " in done.stdout
    return file


def test_a_restored_study_exports_the_same_model(finished: Finished, backup: Path, tmp_path: Path) -> None:
    restored = finished.automl("restore", backup, "--study", "again", "--artifacts", tmp_path / "artifacts")
    assert restored.returncode == 0, restored.stderr
    assert restored.stdout.startswith(f"Study again is restored, artifacts {tmp_path}/artifacts: 5 trials, ")
    original, again = (json.loads(finished.automl("best", name, "--json").stdout) for name in (STUDY, "again"))
    assert {k: v for k, v in again.items() if k not in ("study", "trial_id")} == {
        k: v for k, v in original.items() if k not in ("study", "trial_id")
    }
    exported = finished.automl("best", "again", "--export", tmp_path / "m.pt", "--artifacts", tmp_path / "artifacts")
    assert exported.returncode == 0, exported.stderr
    assert finished.automl("delete", "again", "--yes", "--artifacts", tmp_path / "artifacts").returncode == 0
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("backup", "nothing", "x.zip"), "automl: There is no study 'nothing'."),
        (
            ("backup", STUDY, "no/such/folder.zip"),
            "automl: Cannot write no/such/folder.zip: No such file or directory.",
        ),
        (("restore", "gone.zip"), "automl: There is no file gone.zip."),
        (("restore", "model.pt"), "automl: model.pt is no backup of automl: "),
        (("restore", "space.yaml"), "automl: space.yaml is no backup of automl: BadZipFile: File is not a zip file"),
        (("copy", STUDY, "--to", "sqlite:///x.db"), "automl: sqlite:///x.db is not PostgreSQL: "),
        (
            ("copy", STUDY, "--to", "postgresql://automl:secret@127.0.0.1:9/automl"),
            "automl: Cannot reach postgresql+psycopg2://automl:***@127.0.0.1:9/automl: ",
        ),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_what_cannot_move_is_told_in_a_sentence(finished: Finished, arguments: tuple[str, ...], sentence: str) -> None:
    done = finished.automl(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert "Traceback" not in done.stderr
    assert not (finished.folder / "x.zip").exists()


def test_a_taken_name_and_a_copy_without_a_place_are_told(finished: Finished, backup: Path, postgres_url: str) -> None:
    taken = finished.automl("restore", backup)
    assert taken.returncode == 2
    assert taken.stderr.startswith(f"automl: There is a study {STUDY} in the embedded database already")
    nowhere = finished.automl("copy", STUDY, "--to", postgres_url)
    assert nowhere.returncode == 2
    assert nowhere.stderr.startswith("automl: Where do the copy's artifacts go? Give --to-artifacts")
