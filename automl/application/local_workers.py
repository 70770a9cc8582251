"""Workers of a study as processes on this machine, watched until they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from automl.child_processes import ENVIRONMENT, automl_command
from automl.errors import WorkerEndedError
from automl.private_folders import make_private

if sys.platform != "win32":
    import fcntl

POLL_SECONDS = 0.5
END_SECONDS = 60.0
"""Time, in seconds, that a worker gets after it is asked to stop to requeue its trial and close its wandb run."""
RESTARTS = 3
"""Number of times that a killed worker is started again."""


@dataclass(frozen=True)
class WorkerLog:
    """The log of one worker, begun anew."""

    path: Path
    file: BinaryIO
    """Held locked by this process, and by the worker that inherits it, until both have closed it."""


@dataclass
class LocalWorker:
    """One worker process and its log."""

    index: int
    command: Sequence[str]
    environment: Mapping[str, str]
    log: WorkerLog
    restarts: int = 0
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start the process in a session of its own, so that Ctrl-C reaches only the process that watches it.

        It ends by itself when its standard input closes, which the kernel does if the watching process is killed.
        """
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stdout=self.log.file,
            stderr=self.log.file,
            start_new_session=True,
        )

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it."""
        return (self.process.poll() or 0) < 0

    def last_words(self) -> str:
        """The end of its log: the message of an error, without what came before."""
        lines = self.log.path.read_text("utf-8", errors="replace").strip().splitlines()
        return "\n".join(lines[-5:])


class LocalWorkers:
    """K workers, as a context manager that leaves none behind."""

    def __init__(
        self, study: str, *, count: int, options: Sequence[str], environment: Mapping[str, str], logs: Path
    ) -> None:
        """Nothing runs before the block begins. `options`: of every `automl worker`."""
        make_private(logs)
        share = max(1, (os.cpu_count() or 1) // count)
        command = automl_command("worker", study, "--attached", "--share", str(share), *options)
        self._workers = [
            LocalWorker(index, command, {**os.environ, **environment, **ENVIRONMENT}, open_log(logs, index))
            for index in range(count)
        ]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.request_stop()
        for worker in self._workers:
            try:
                worker.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            assert worker.process.stdin is not None
            worker.process.stdin.close()
            worker.log.file.close()

    def request_stop(self) -> None:
        """Ask every worker to requeue its trial and end."""
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)

    def watch(self, *, stop_event: threading.Event, on_poll: Callable[[], None], warn: Callable[[str], None]) -> None:
        """Wait until every worker has ended, calling `on_poll` twice a second; killed workers are started again.

        Raises: WorkerEndedError with a worker's own message if one could not go on.
        """
        while True:
            for worker in self._workers:
                self._restart_if_killed(worker, warn)
            if all(worker.process.poll() is not None for worker in self._workers):
                break
            on_poll()
            if stop_event.wait(POLL_SECONDS):
                self.request_stop()
                return
        on_poll()
        failed = [worker for worker in self._workers if worker.process.returncode != 0]
        if failed:
            raise WorkerEndedError(
                f"Worker {failed[0].index} ended with {failed[0].process.returncode} (log: {failed[0].log.path}):\n"
                f"{failed[0].last_words()}"
            )

    def _restart_if_killed(self, worker: LocalWorker, warn: Callable[[str], None]) -> None:
        if not worker.was_killed or worker.restarts >= RESTARTS:
            return
        name = signal.Signals(-worker.process.returncode).name
        warn(f"Worker {worker.index} was killed by {name} and starts again; its trial goes on.")
        worker.restarts += 1
        worker.start()


def open_log(folder: Path, index: int) -> WorkerLog:
    """The empty log of a worker: `worker-INDEX.log`, or `worker-INDEX-2.log` while another search writes to that.

    Raises: OSError.
    """
    number = 1
    while True:
        path = folder / f"worker-{index}{'' if number == 1 else f'-{number}'}.log"
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            number += 1
        else:
            file.truncate(0)
            return WorkerLog(path, file)
