"""Where a command runs and writes: a `.env` that is none, an output that is closed or full, odd homes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.conftest import Automl, clean_environment
from tests.refusals import PLAIN_SPACE, assert_refused

SPACE = ("space", "quick", "--json")


def redirected(home: Path, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line as a shell starts it with its output sent elsewhere."""
    command = ["sh", "-c", f'"$@" {redirection}', "sh", sys.executable, "-m", "automl", *arguments]
    return subprocess.run(
        command, env=clean_environment(home), capture_output=True, text=True, timeout=240, check=False
    )


@pytest.mark.parametrize("arguments", [SPACE, SPACE[:2]])
def test_closed_output_ends_no_command(home: Path, arguments: tuple[str, ...]) -> None:
    done = redirected(home, ">&-", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert redirected(home, "2>&-", *arguments).returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
@pytest.mark.parametrize("arguments", [SPACE, SPACE[:2]])
def test_full_disk_behind_the_output_is_told(home: Path, arguments: tuple[str, ...]) -> None:
    done = redirected(home, ">/dev/full", *arguments)
    expected = "automl: Cannot write the answer: No space left on device. Send it elsewhere.\n"
    assert (done.returncode, done.stderr) == (2, expected)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
def test_full_disk_behind_the_messages_ends_no_work(home: Path) -> None:
    assert (
        "is ready" in redirected(home, "2>/dev/full", "create", "faces", "--data", "digits", "--space", "quick").stdout
    )


def test_dotenv_that_is_no_text_is_told(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"AUTOML_TRIALS=\xff\n")
    assert_refused(automl("studies"), f"{tmp_path}/.env cannot be read: 'utf-8' codec", "It holds lines of NAME=value")


def test_dotenv_that_is_a_pipe_is_not_waited_for(automl: Automl, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".env")
    assert automl("studies", timeout=120).returncode == 0


def test_home_with_spaces_and_a_long_path(automl: Automl, home: Path, tmp_path: Path) -> None:
    """A Unix socket's path has at most 107 bytes; the home's may have more."""
    long = home.parent / "a folder with spaces, 'quotes' and %s" / ("long" * 30)
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    done = automl("create", "mine", "--data", "digits", "--space", "space.yaml", "--home", long)
    assert done.returncode == 0, done.stderr
    assert '"study": "mine"' in automl("status", "--json", "--home", long).stdout


def test_two_commands_may_create_the_same_home_and_study_at_once(automl: Automl, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(PLAIN_SPACE)
    ended: list[subprocess.CompletedProcess[str]] = []

    def create() -> None:
        ended.append(automl("create", "mine", "--data", "digits", "--space", "space.yaml", "--trials", "3"))

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.returncode for done in ended] == [0, 0], [done.stderr for done in ended]
    assert automl("studies").stdout.count("mine") == 1
