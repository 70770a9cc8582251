"""README.md is true: its tables are complete, and what it tells people to run runs, in its order, in one folder."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from automl.cli.main import build_parser
from automl.export.formats import FORMATS
from automl.settings import SETTINGS
from automl.spaces.file import shipped_spaces
from tests.conftest import ROOT, clean_environment
from tests.documentation import blocks, first_cells

README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = blocks(README)
SCRIPT = "python"
"""The name under which a nameless Python block is run."""
SERVER = "automl dashboard"
"""Runs until Ctrl-C, so it is looked at and then interrupted."""
SKIPPED = {
    "make demo": "installs gigabytes; the search that it runs is the README's next command",
    "make test": "would run this test again",
    "pip install --constraint constraints.txt .": "downloads gigabytes; tests/test_wheel.py installs the wheel",
    "docker compose up --scale worker=4": "needs a Docker engine: make compose-test",
    "AUTOML_STORAGE=postgresql://automl@first-machine:54320/automl AUTOML_ARTIFACTS=s3://automl/searches "
    "docker compose -f docker-compose.worker.yml up --scale worker=4": "needs a Docker engine and a second machine",
}
ELSEWHERE = {"--constraint", "--profile", "--scale", "--confirmed"}
"""Options of pip and Docker, and of docs/make_pictures.py."""
CLASSES = ("bird", "cat", "fish")


@dataclass(frozen=True)
class Step:
    """One thing that the README tells people to run."""

    name: str
    command: list[str]


def steps() -> list[Step]:
    """Commands and scripts in the README's order; lines of a console run in a shell, as people run them."""
    found = []
    for block in BLOCKS:
        if block.language == "console":
            found += [Step(line, ["bash", "-c", line]) for line in block.commands if line not in SKIPPED]
        elif block.language == "python" and block.file_name is None:
            found.append(Step(SCRIPT, [sys.executable, "-c", block.text]))
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where all of it runs: the README's files, and digits that stand in for photographs of three animals."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        for block in BLOCKS:
            if block.file_name is not None:
                (folder / block.file_name).write_text(block.text, "utf-8")
        _write_photos(folder / "photos")
        yield folder


def _write_photos(folder: Path) -> None:
    digits = load_digits()
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(digits.images[digits.target == label][:60]):
            Image.fromarray((image * 255 / 16).astype("uint8")).save(folder / name / f"{number}.png")


@pytest.fixture(scope="module")
def done(folder: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """Every step, run in order."""
    return {step.name: _run(step, folder) for step in steps()}


def _run(step: Step, folder: Path) -> subprocess.CompletedProcess[str]:
    if step.name == SERVER:
        return _interrupted(folder)
    return subprocess.run(
        step.command, cwd=folder, env=_environment(folder), capture_output=True, text=True, timeout=600, check=False
    )


def _interrupted(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the dashboard on a free port, read its first page, interrupt it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [*shlex.split(SERVER), "--port", port]
    with subprocess.Popen(command, cwd=folder, env=_environment(folder), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.match(r"http://\S+", said)
        assert found, said + process.stderr.read()
        with urllib.request.urlopen(found[0]) as page:
            assert page.status == 200
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        finally:
            process.kill()  # one that did not listen would be waited for without end
    return subprocess.CompletedProcess(command, process.returncode, "", said)


def _environment(folder: Path) -> dict[str, str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return clean_environment(folder / ".automl") | {"PATH": path}


@pytest.mark.parametrize("name", [step.name for step in steps()])
def test_what_the_readme_tells_to_run_runs(name: str, done: dict[str, subprocess.CompletedProcess[str]]) -> None:
    answer = done[name]
    assert answer.returncode == (130 if name == SERVER else 0), answer.stdout + answer.stderr


def test_search_prints_the_lines_that_the_readme_shows(done: dict[str, subprocess.CompletedProcess[str]]) -> None:
    block = next(block for block in BLOCKS if "$ automl search" in block.text)
    command = block.commands[-1]
    shown = block.text.partition(f"$ {command}\n")[2]
    assert _shape(shown) == _shape(done[command].stderr + done[command].stdout)


def _shape(output: str) -> set[str]:
    """The first words of the lines, without the trials', which depend on chance."""
    return {line.split()[0] for line in output.splitlines() if not line.startswith(("[", " "))}


def test_nothing_else_is_left_out() -> None:
    commands = [line for block in BLOCKS if block.language == "console" for line in block.commands]
    assert {line for line in commands if not line.startswith("automl ")} == set(SKIPPED)


def test_every_block_is_run_or_written_or_no_code() -> None:
    languages = {block.language for block in BLOCKS}
    assert languages == {"console", "python", "yaml", ""}
    assert all(block.file_name for block in BLOCKS if block.language == "yaml")


@pytest.mark.parametrize(
    "line", ["make demo", "make test", "docker compose up --scale worker=4", "automl best --export model.pt"]
)
def test_first_screen_shows(line: str) -> None:
    assert line in README


def test_every_command_is_in_the_table_and_no_other() -> None:
    assert sorted(_command(cell) for cell in first_cells(README, "command")) == sorted(_subparsers())


def _command(cell: str) -> str:
    found = re.match(r"`automl (\w+)", cell)
    assert found, cell
    return found[1]


def test_every_format_is_in_the_table_and_no_other() -> None:
    assert [cell.strip("`") for cell in first_cells(README, "format")] == list(FORMATS)


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert [cell.strip("`") for cell in first_cells(README, "setting")] == list(SETTINGS)


def test_every_default_of_a_setting_is_as_shown() -> None:
    for setting in SETTINGS.values():
        if setting.default is not None:
            assert re.search(rf"^\| `{setting.name}` \|.*\| `{re.escape(setting.default)}` \|$", README, re.M)


def test_every_option_that_the_readme_names_exists() -> None:
    options = {option for parser in _subparsers().values() for option in parser._option_string_actions}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README))
    assert named - options == ELSEWHERE


def test_every_shipped_space_is_named() -> None:
    assert [name for name in shipped_spaces() if f"`{name}`" not in README] == []


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []


def _subparsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(commands.choices)
