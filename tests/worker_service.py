"""A database, a folder, and worker processes in it, for tests that stop, kill and watch them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine

from tests.conftest import clean_environment

SPACE = """\
parameters:
  depth: {value: 1}
  width: {values: [8, 16, 32]}
  learning_rate: {min: 1e-3, max: 1e-2, distribution: log_uniform_values}
  batch_size: {value: 32}
  epochs: {value: 12}
"""


class Service:
    """A database URL, a folder, and commands in it; without wandb, which takes a fifth of a short search."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.environment = clean_environment(folder / "home") | {"AUTOML_STORAGE": url, "WANDB_MODE": "disabled"}
        self.engine: Engine = create_engine(url)
        self.processes: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "automl", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def create(self, *options: str, space: str = SPACE) -> None:
        (self.folder / "space.yaml").write_text(space)
        self.run("create", "s", "--data", "digits", "--space", "space.yaml", *options)

    def worker(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "automl", "worker", "s", "--threads", "1"],
            cwd=self.folder,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def interrupt_a_worker(self, *, after_epochs: int) -> None:
        """Start one, and tell it to end once so many epochs are reported."""
        worker = self.worker()
        self.wait_until(lambda: self.epochs_done() >= after_epochs)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0

    def scalars(self, statement: str) -> Sequence[Any]:
        with self.engine.connect() as connection:
            return connection.scalars(text(statement)).all()

    def wait_until(self, condition: Callable[[], object], *, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def epochs_done(self) -> int:
        return int(self.scalars("SELECT count(*) FROM automl_epochs")[0])

    def states(self) -> list[str]:
        return list(self.scalars("SELECT CAST(state AS text) FROM trials ORDER BY number"))

    def shown(self, number: int) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.run("show", str(number), "s", "--json"))
        return answer
