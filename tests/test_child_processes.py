"""Files of the current folder that are named like Python's modules: no process that we start takes them for those."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl.child_processes import ENVIRONMENT, isolated_children
from automl.models.building import resolve_builder
from automl.own_modules import import_own
from automl.spaces.function import resolve_space_function
from tests.conftest import Automl
from tests.data.pictures import save_classes
from tests.spoiled import spoil

NETWORK = """
import random, queue, sys
from torch import nn

def build(recipe, image_shape, num_classes):
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))
"""

UNGUARDED = """
import multiprocessing
from automl.child_processes import main_set_aside

print("run")
process = multiprocessing.get_context("spawn").Process(target=print, args=("child",))
with main_set_aside():
    process.start()
process.join()
assert process.exitcode == 0
"""


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    """A folder with modules that end whoever imports them."""
    spoil(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("new_processes")
def test_search_takes_no_module_of_the_current_folder_but_the_one_it_names(automl: Automl, spoiled: Path) -> None:
    """The data are decoded by joblib's processes, and the network is of a module that lies there as well."""
    save_classes(spoiled / "photos", {"cat": 70, "dog": 70})
    (spoiled / "mine.py").write_text(NETWORK)
    done = automl(
        *("search", "--data", "photos", "--space", "quick", "--model", "mine:build"),
        *("--epochs", "1", "--trials", "1", "--workers", "1"),
    )
    assert done.returncode == 0, done.stderr
    assert "[1/1] trial" in done.stderr


def test_environment_is_the_old_one_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUTF8", "0")
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    before = dict(os.environ)
    with isolated_children():
        assert os.environ.items() >= ENVIRONMENT.items()
    assert dict(os.environ) == before


def test_module_of_the_user_hides_no_other(spoiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(spoiled)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "token", raising=False)
    assert import_own("token").__file__ != str(spoiled / "token.py")


@pytest.mark.parametrize("resolve", [resolve_builder, resolve_space_function])
def test_hidden_module_of_the_user_is_named(resolve: type, spoiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import token

    monkeypatch.chdir(spoiled)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(Exception, match=r"token has no") as raised:
        resolve("token:build")
    sentence = f"It came from {token.__file__}, which goes before {spoiled / 'token.py'}: rename yours."
    assert sentence in str(raised.value)


def test_spawned_process_does_not_run_an_unguarded_script_again(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, sorted(done.stdout.split())) == (0, ["child", "run"]), done.stderr
