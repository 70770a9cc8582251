"""A fork of the template is a process like any other, and a child of whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from automl.child_processes import FLAGS
from tests.conftest import clean_environment
from tests.forking.start import PACKAGE, arguments_of, starts_alike

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt")
TEMPLATE = "tests.forking.template"
COMMAND = [sys.executable, "-m", "automl"]


def start(*arguments: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=folder,
        env=clean_environment(folder) | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_fork_answers_in_its_own_folder_and_streams_with_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("parameters: {dropout: {min: 0.5}}")
    with start("space", "mine.yaml", folder=tmp_path) as process:
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("automl: mine.yaml:1: ")


def test_a_fork_is_a_child_that_is_killed_like_any_other(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with start("space", "pipe.yaml", folder=tmp_path) as process:
        child = psutil.Process(process.pid)
        assert child.ppid() == os.getpid()
        assert TEMPLATE in child.cmdline()
        process.kill()
    assert process.returncode == -signal.SIGKILL


def test_what_is_read_at_a_start_makes_a_process_new(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with start("space", "pipe.yaml", folder=tmp_path, OMP_NUM_THREADS="1") as process:
        assert TEMPLATE not in psutil.Process(process.pid).cmdline()
        process.kill()


@pytest.mark.usefixtures("new_processes")
def test_a_test_may_ask_for_new_processes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with start("space", "pipe.yaml", folder=tmp_path) as process:
        assert TEMPLATE not in psutil.Process(process.pid).cmdline()
        process.kill()


def test_only_command_lines_of_ours_are_forks() -> None:
    assert arguments_of([*COMMAND, "status"]) == ["status"]
    assert arguments_of([sys.executable, *FLAGS, str(PACKAGE / "tracking" / "wandb_process.py"), "folder"]) is None
    assert arguments_of([sys.executable, "-c", "import automl"]) is None
    assert arguments_of([sys.executable, "-m", "automl.cli"]) is None


@pytest.mark.parametrize("name", ["LC_ALL", "PYTHONHASHSEED", "OMP_WAIT_POLICY", "CUDA_VISIBLE_DEVICES", "HOME"])
def test_variables_of_a_start_are_compared(name: str) -> None:
    assert starts_alike({"AUTOML_HOME": "a"}, {"AUTOML_HOME": "b"})
    assert not starts_alike({name: "a"}, {name: "b"})
