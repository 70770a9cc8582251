"""One real search on the digits, for every test that looks at a finished study."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.storage.database import open_database
from tests.conftest import clean_environment

SPACE = """\
parameters:
  block: {values: [plain, residual]}
  depth: {min: 0, max: 2}
  width: {value: 16}
  learning_rate: {value: 0.005}
  epochs: {value: 5}
  batch_size: {value: 64}
"""


@pytest.fixture(scope="session")
def finished() -> Iterator[Finished]:
    """A folder in which `automl search` ran: its home, its model.pt, its output."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        with kept_open(Path(folder)):
            yield _searched(Path(folder))


@contextmanager
def kept_open(folder: Path) -> Iterator[None]:
    """Let the embedded PostgreSQL of the folder's home run, which each of many commands would start and stop."""
    with open_database(None, home=folder / ".automl"):
        yield


def _searched(folder: Path) -> Finished:
    (folder / "space.yaml").write_text(SPACE)
    study_folder = Finished(folder)
    study_folder.done = study_folder.automl(
        *("search", "--data", "digits", "--space", "space.yaml", "--trials", "5", "--workers", "2"),
        *("--export", "model.pt", "--seed", "3"),
    )
    assert study_folder.done.returncode == 0, study_folder.done.stderr
    return study_folder


class Finished:
    """A folder with a study, and the command line in it."""

    done: subprocess.CompletedProcess[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def automl(
        self, *arguments: str | Path, answer: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command there."""
        return subprocess.run(
            [sys.executable, "-m", "automl", *map(str, arguments)],
            cwd=self.folder,
            env=clean_environment(self.folder / ".automl") | dict(environment or {}),
            input=answer,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
