"""What the pages tell people to run runs, in the order of the pages, in one folder with one home."""

from __future__ import annotations

import io
import os
import re
import runpy
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from automl.cli.main import main
from automl.storage.database import open_database
from tests.conftest import ROOT, clean_environment
from tests.documentation import Block, Page, all_pages

PAGES = all_pages()
SERVER = "automl dashboard"
"""Runs until Ctrl-C, so it is looked at and then interrupted."""
WORKER = "automl worker"
"""Sets threads and allocation of its process for good, so it has one of its own."""
EPOCHS = ("--epochs", "2")
"""Added to a command that takes the space `quick` and does not say how many: its 25 took minutes of a core."""
SKIPPED = {
    "make demo": "installs gigabytes; the search that it runs is the next command",
    "make test": "would run this test again",
    "make coverage": "would run this test again",
    "make install": "installs gigabytes",
    "make lint": "is a part of make test",
    "make docs": "tests/test_site.py builds the site",
    "make bench": "is a benchmark",
    "make bench-gpu": "is a benchmark",
    "make scale": "is a benchmark",
    ".venv/bin/python -m pytest tests/test_documentation.py": "would run this test again",
    "pip install --constraint constraints.txt .": "downloads gigabytes; tests/test_wheel.py installs the wheel",
    "docker compose up --scale worker=4": "needs a Docker engine: make compose-test",
    "AUTOML_STORAGE=postgresql://automl@first-machine:54320/automl AUTOML_ARTIFACTS=s3://automl/searches "
    "docker compose -f docker-compose.worker.yml up --scale worker=4": "needs a Docker engine and a second machine",
}
MAKE = re.compile(r"(?:`|\$ )make (?:[A-Z0-9]+=\S+ )?([a-z][\w-]*)")
CLASSES = ("bird", "cat", "fish")
AUTOML = (sys.executable, "-m", "automl")


@dataclass(frozen=True)
class Step:
    """One thing that a page tells people to run."""

    page: str
    name: str
    """The command line, or which block of Python it is."""
    script: str | None = None
    """The block of Python."""

    @property
    def folder(self) -> str:
        """Where it runs: the examples' page is read in their folder."""
        return "examples" if self.page.startswith("examples/") else "."


@dataclass(frozen=True)
class Answer:
    """How a step ended."""

    code: int
    output: str
    """Both streams, standard error first."""


def steps() -> list[Step]:
    """Commands and scripts in the order of the pages; what several pages show runs once."""
    found: dict[str, Step] = {}
    for page in PAGES:
        for number, block in enumerate(page.blocks):
            for step in _steps(page, block, number):
                found.setdefault(step.name, step)
    return list(found.values())


def _steps(page: Page, block: Block, number: int) -> list[Step]:
    if block.language == "console":
        return [Step(page.name, line) for line in block.commands if line not in SKIPPED]
    if block.language == "python" and block.file_name is None:
        return [Step(page.name, f"{page.name}, block {number}", block.text)]
    return []


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where all of it runs: the pages' files, the examples, and digits that stand in for photographs of animals."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        for block in (block for page in PAGES for block in page.blocks):
            if block.file_name is not None:
                (folder / block.file_name).write_text(block.text, "utf-8")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__", ".automl"))
        _write_photos(folder / "photos")
        yield folder


def _write_photos(folder: Path) -> None:
    digits = load_digits()
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number, image in enumerate(digits.images[digits.target == label][:60]):
            Image.fromarray((image * 255 / 16).astype("uint8")).save(folder / name / f"{number}.png")


@pytest.fixture(scope="module")
def done(folder: Path) -> Iterator[dict[str, Answer]]:
    """Every step, run in order, with the database held open between them."""
    with _surroundings(folder), open_database(None, home=folder / ".automl"):
        yield {step.name: _run(step, folder / step.folder) for step in steps()}


@contextmanager
def _surroundings(folder: Path) -> Iterator[None]:
    """Environment, import path and modules as after the start of a process in the folder; afterwards as before."""
    modules, path = set(sys.modules), list(sys.path)
    programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = clean_environment(folder / ".automl") | {"PATH": programs}
    with pytest.MonkeyPatch.context() as patch:
        for name in set(os.environ) - set(environment):
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(folder):
            del sys.modules[name]


def _run(step: Step, folder: Path) -> Answer:
    with chdir(folder):
        if step.script is not None:
            return _in_process(lambda: exec(compile(str(step.script), step.name, "exec"), {"__name__": "__main__"}))
        if step.name == SERVER:
            return _interrupted()
        program, *arguments = shlex.split(step.name)
        if step.name.startswith(WORKER):
            return _as_process([*AUTOML, *arguments])
        target = arguments.pop() if ">" in arguments else None
        answer = _called(program, arguments[:-1] if target else arguments)
        if target:
            Path(target).write_text(answer.output, "utf-8")
        return answer


def _called(program: str, arguments: list[str]) -> Answer:
    if program == "automl":
        return _in_process(lambda: main([*arguments, *_short_trials(arguments)]))
    assert program == "python", program
    script, *arguments = arguments
    return _in_process(lambda: _run_script(script, arguments))


def _short_trials(arguments: list[str]) -> tuple[str, ...]:
    takes_long = "quick" in arguments and arguments[0] in ("search", "create")
    return EPOCHS if takes_long and EPOCHS[0] not in arguments else ()


def _run_script(script: str, arguments: list[str]) -> None:
    """As `python SCRIPT` does: its folder is where modules are found first."""
    sys.path.insert(0, str(Path(script).absolute().parent))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [script, *arguments])
        runpy.run_path(script, run_name="__main__")


def _in_process(call: Callable[[], int | None]) -> Answer:
    """What a process would answer, without its start and its import of PyTorch."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = call() or 0
        except SystemExit as end:
            code = int(end.code or 0)
        except Exception:  # noqa: BLE001 as Python does with it at the end of a process
            traceback.print_exc()
            code = 1
    return Answer(code, err.getvalue() + out.getvalue())


def _as_process(command: list[str]) -> Answer:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    return Answer(done.returncode, done.stderr + done.stdout)


def _interrupted() -> Answer:
    """Run the dashboard on a free port, read its first page, interrupt it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [*AUTOML, *shlex.split(SERVER)[1:], "--port", port]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
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
    return Answer(process.returncode, said)


@pytest.mark.parametrize("name", [step.name for step in steps()])
def test_what_the_pages_tell_to_run_runs(name: str, done: dict[str, Answer]) -> None:
    assert done[name].code == (130 if name == SERVER else 0), done[name].output


def shown_outputs() -> dict[str, list[str]]:
    """Each command below which a page shows what it prints."""
    return {command: lines for page in PAGES for block in page.blocks for command, lines in block.outputs.items()}


@pytest.mark.parametrize("command", shown_outputs())
def test_commands_print_the_lines_that_are_shown(command: str, done: dict[str, Answer]) -> None:
    shown, printed = _kinds(shown_outputs()[command]), _kinds(done[command].output.splitlines())
    assert shown - {"…"} == printed if "…" not in shown else shown - {"…"} <= printed


def _kinds(lines: list[str]) -> set[str]:
    """The first words of the lines, without the trials', which depend on chance."""
    return {line.split()[0] for line in lines if line and not line.startswith(("[", " "))}


def test_what_is_understood_of_a_sweep_is_shown_word_for_word(done: dict[str, Answer]) -> None:
    command = "automl space sweep.yaml"
    assert [line.rstrip() for line in done[command].output.splitlines()] == shown_outputs()[command]


def test_nothing_else_is_left_out() -> None:
    commands = {line for page in PAGES for block in page.blocks for line in block.commands}
    assert {line for line in commands if not line.startswith(("automl ", "python "))} == set(SKIPPED)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = {target for page in PAGES for target in re.findall(MAKE, page.text)}
    assert named - targets == set()


def test_every_block_is_run_or_written_or_no_code() -> None:
    blocks = [block for page in PAGES for block in page.blocks]
    assert {block.language for block in blocks} == {"console", "python", "yaml", ""}
    assert all(block.file_name for block in blocks if block.language == "yaml")
    assert [block.text for block in blocks if block.language == "" and "$ " in block.text] == []


def test_files_of_two_pages_have_two_names() -> None:
    names = [block.file_name for page in PAGES for block in page.blocks if block.file_name]
    assert len(names) == len(set(names))


def test_every_example_is_run() -> None:
    names = {path.name for path in (ROOT / "examples").iterdir() if path.suffix in (".py", ".yaml")}
    run = " ".join(step.name for step in steps() if step.folder == "examples")
    assert {name for name in names if name not in run.split()} == set()
