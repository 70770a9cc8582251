"""Locales of other encodings than UTF-8, and names whose bytes are none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from automl.application.utf8 import check_names
from automl.errors import StorageError
from automl.storage.embedded import EmbeddedPostgres
from tests.conftest import ROOT, Automl
from tests.data.pictures import save_classes

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SPACE = "parameters: {learning_rate: {values: [1e-3, 3e-3]}, depth: {value: 1}, epochs: {value: 1}}"
TRY = "import sys; from automl.application.utf8 import check_names; check_names('data', sys.argv[1])"


@pytest.fixture
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a real Latin-1 locale, made for this test."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None:
        pytest.skip("localedef makes the locale, and is not here")
    command = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine has no descriptions of locales: apt-get install locales")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


def test_names_are_the_same_whatever_the_locale(automl: Automl, tmp_path: Path, latin_1: dict[str, str]) -> None:
    save_classes(tmp_path / "фото", {"котики": 20, "dog": 20})
    (tmp_path / "котики.yaml").write_text(SPACE)
    create = ("create", "--data", "фото", "--space", "котики.yaml")
    for environment in (ASCII, latin_1):
        done = automl(*create, environment=environment)
        assert done.returncode == 0, done.stderr
        assert r"Study \u0444\u043e\u0442\u043e-\u043a\u043e\u0442\u0438\u043a\u0438-accuracy is" in done.stdout
    listed = automl("studies", environment={"PYTHONUTF8": "1"}).stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["фото-котики-accuracy", "фото"]]


def test_worker_of_another_locale_reads_the_same_names(automl: Automl, tmp_path: Path) -> None:
    save_classes(tmp_path / "фото", {"котики": 20, "dog": 20})
    done = automl(
        *("search", "--data", "фото", "--space", "quick", "--study", "котики"),
        *("--epochs", "1", "--trials", "1", "--workers", "1", "--export", "котики.pt"),
        environment=ASCII,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "котики.pt").exists()


def test_names_that_python_reads_otherwise_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRY, "котики"], env=os.environ | ASCII, cwd=ROOT, capture_output=True, check=False
    )
    assert rb"SettingsError: '\udcd0" in done.stderr
    assert (
        b"cannot be kept: this Python reads names in ascii instead of UTF-8. Start it with PYTHONUTF8=1, or in a "
        b"locale such as C.UTF-8." in done.stderr.replace(os.linesep.encode(), b"")
    )
    check_names("котики")  # in UTF-8


def test_home_whose_name_is_no_text_is_refused(tmp_path: Path) -> None:
    home = tmp_path / os.fsdecode(b"hom\xe9")
    sentence = (
        f"{str(home)!r} has bytes in its name that are not UTF-8, which no database URL can hold. "
        "Rename the folder, or set AUTOML_HOME to another one."
    )
    with pytest.raises(StorageError, match=re.escape(sentence)):
        EmbeddedPostgres(home).start()
    assert not home.exists()
