"""A service whose database and workers can be broken at will: for chaos.py."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.postmaster import Server

STUDY = "chaos"
ROOT = Path(__file__).parent.parent
POLL_SECONDS = 0.1
STOPPED_GRACES = 3.0
"""A stopped worker stands still for so many grace times: it is found after one and the finder's own pause."""
END_SECONDS = 120.0
SHUTDOWN = {"fast restart": signal.SIGINT, "immediate restart": signal.SIGQUIT, "outage": signal.SIGINT}


@dataclass
class Slot:
    """A worker that comes back when it is killed."""

    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    stopped_until: float | None = None

    @property
    def is_at_work(self) -> bool:
        """Whether its process runs and is not stopped."""
        return self.process is not None and self.process.poll() is None and self.stopped_until is None


@dataclass
class ChaosService:
    """A database, and workers; a context manager that leaves neither behind."""

    folder: Path
    workers: int
    grace_seconds: int
    spared: int = 0
    """Number of workers, the first ones, that nothing happens to but what happens to the database."""
    errors: list[int] = field(default_factory=list)
    """Exit codes of workers that ended by themselves and not well."""
    stopped: int = 0
    slots: list[Slot] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = EmbeddedPostgres(self.folder / "database")
        self.url = self._server.start()
        self._away_until: float | None = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for slot in self.slots:
            if slot.process is not None and slot.process.poll() is None:
                slot.process.kill()
                slot.process.wait()
            slot.log.close()
        self._server.close()

    @property
    def home(self) -> Path:
        """AUTOML_HOME of all workers, with the artifacts and what wandb writes."""
        return self.folder / "home"

    @property
    def is_ending(self) -> bool:
        """Whether a worker has found nothing left to do."""
        return any(slot.process is None for slot in self.slots)

    def create(self, *, trials: int, epochs: int) -> None:
        """Create the study."""
        options = ["--data", "digits", "--space", "quick", "--trials", str(trials), "--epochs", str(epochs)]
        subprocess.run(self._command("create", *options), env=self._environment(), check=True, stdout=sys.stderr)

    def start(self) -> None:
        """Start the workers."""
        for index in range(self.workers):
            self.slots.append(Slot((self.folder / f"worker-{index}.log").open("ab")))
        for slot in self.slots:
            self._start(slot)

    def wait(self, seconds: float) -> bool:
        """Let so much time pass, while what was stopped goes on and what was killed starts again.

        False as soon as every worker has ended by itself.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._tend()
            if all(slot.process is None for slot in self.slots):
                return False
            time.sleep(POLL_SECONDS)
        return True

    def inflict(self, fault: str, chance: random.Random, *, outage_seconds: float) -> bool:
        """Let one thing go wrong; False if there is nothing left of its kind to break now."""
        if fault in SHUTDOWN:
            return self._shut_down(SHUTDOWN[fault], outage_seconds if fault == "outage" else 0.0)
        at_work = [slot for slot in self.slots[self.spared :] if slot.is_at_work]
        if not at_work:
            return False
        slot = chance.choice(at_work)
        assert slot.process is not None
        if fault == "kill":
            slot.process.kill()
        else:
            slot.process.send_signal(signal.SIGSTOP)
            slot.stopped_until = time.monotonic() + STOPPED_GRACES * self.grace_seconds
        return True

    def end(self) -> None:
        """Wait until the database is back and wandb's processes have written what they were sent."""
        while self._away_until is not None:
            self._tend()
            time.sleep(POLL_SECONDS)
        deadline = time.monotonic() + END_SECONDS
        while self._wandb_processes() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _start(self, slot: Slot) -> None:
        slot.stopped_until = None
        slot.process = subprocess.Popen(
            self._command("worker", "--threads", "1"),
            env=self._environment(),
            stdout=slot.log,
            stderr=slot.log,
            start_new_session=True,  # as the workers of a search
        )

    def _tend(self) -> None:
        if self._away_until is not None and time.monotonic() >= self._away_until:
            self._away_until = None
            self._server.start()
        for slot in self.slots:
            if slot.process is None:
                continue
            if slot.stopped_until is not None and time.monotonic() >= slot.stopped_until:
                slot.stopped_until = None
                slot.process.send_signal(signal.SIGCONT)
            code = slot.process.poll()
            if code == 0:
                slot.process = None
            elif code is not None:
                if code != -signal.SIGKILL:
                    self.errors.append(code)
                self._start(slot)

    def _shut_down(self, how: signal.Signals, seconds: float) -> bool:
        server = Server.read(Path(os.path.realpath(self.folder / "database" / "postgres")))
        if self._away_until is not None or server is None:
            return False
        postmaster = psutil.Process(server.pid)
        os.kill(server.pid, how)
        # Stopped workers hold connections, and a fast shutdown closes them all the same.
        psutil.wait_procs([postmaster], timeout=END_SECONDS)
        self._away_until = time.monotonic() + seconds
        return True

    def _wandb_processes(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if str(self.home) in (process.info["cmdline"] or ()) and process.status() != psutil.STATUS_ZOMBIE
        ]

    def _command(self, name: str, *options: str) -> list[str]:
        return [sys.executable, "-m", "automl", name, STUDY, *options]

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOML_", "WANDB_"))}
        return own | {
            "AUTOML_STORAGE": self.url,
            "AUTOML_HOME": str(self.home),
            "AUTOML_GRACE_SECONDS": str(self.grace_seconds),
            "WANDB_MODE": "offline",
            "PYTHONPATH": str(ROOT),
        }
