"""The queue of events between a worker and its wandb process. Only `close` waits, up to its timeout."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Literal

from automl.child_processes import ENVIRONMENT, FLAGS
from automl.private_folders import make_private

MOST_EVENTS = 10_000
"""Largest number of waiting events: about 5 MB, and hours of training."""
KILL_SECONDS = 1.0
"""Longest wait for a killed process, in seconds. One that hangs in the kernel is left behind."""
LOG_NAME = "wandb/process.log"
PROGRAM = Path(__file__).with_name("wandb_process.py")


class EventQueue:
    """A bounded queue, a thread that empties it into a pipe, and the wandb process at the pipe's other end.

    The process has a session of its own, so that Ctrl-C in the worker's terminal does not reach it, and ends when the
    pipe is closed: a worker that is killed, or forgets to close, leaves nothing behind. Its standard error is a file.
    """

    def __init__(
        self,
        *,
        folder: Path,
        mode: Literal["online", "offline"],
        environment: Mapping[str, str],
        warn: Callable[[str], None],
    ) -> None:
        """Start the process without waiting for it. `warn` is called from a thread of the queue's as well.

        Raises: OSError if the process cannot be started or its folder not be written.
        """
        self._folder = folder
        self._warn = warn
        self._events: queue.Queue[bytes | None] = queue.Queue(MOST_EVENTS)
        self._stopped = threading.Event()
        self._killed = False
        self._process = _start(folder, mode, environment)
        self._listener = threading.Thread(target=self._listen, name="wandb-listener", daemon=True)
        self._listener.start()
        threading.Thread(target=self._write, name="wandb-writer", daemon=True).start()

    def send(self, event: Mapping[str, object]) -> None:
        """Queue an event; drop it where wandb has ended."""
        if self._stopped.is_set():
            return
        try:
            self._events.put_nowait(json.dumps(event, default=str).encode() + b"\n")
        except queue.Full:
            self._stopped.set()
            self._warn(f"wandb is {MOST_EVENTS} events behind: this worker's trials go on without it.")

    def close(self, *, timeout_seconds: float) -> None:
        """Wait until wandb has what was sent. Half the time is for the server, half for saving what it did not take.

        Saving takes 1 s on two idle cores; a process that is not done by then is killed.
        """
        self._stopped.set()
        with contextlib.suppress(queue.Full):  # then the writer is stuck, and so is the process: the kill ends both
            self._events.put_nowait(None)
        self._listener.join(timeout_seconds / 2)
        self._process.terminate()
        self._listener.join(timeout_seconds / 2)
        if self._listener.is_alive():
            self._killed = True
            self._process.kill()
            self._listener.join(KILL_SECONDS)
            self._warn(
                f"wandb did not end within {timeout_seconds:g} s and was killed; its files are in {self._folder}/wandb"
            )

    def _write(self) -> None:
        pipe = _pipe(self._process.stdin)
        with contextlib.suppress(BrokenPipeError), pipe:  # the listener says why the process ended
            for line in iter(self._events.get, None):
                pipe.write(line)
                pipe.flush()

    def _listen(self) -> None:
        with _pipe(self._process.stdout) as pipe:
            for sentence in pipe:
                self._warn(sentence.decode(errors="replace").strip())
        exit_code = self._process.wait()
        self._stopped.set()
        if exit_code != 0 and not self._killed:
            self._warn(
                f"The wandb process ended with exit code {exit_code}: this worker's trials go on without wandb. "
                f"The reason is in {self._folder / LOG_NAME}"
            )


def _start(folder: Path, mode: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    log_path = folder / LOG_NAME
    make_private(log_path.parent)
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, *FLAGS, str(PROGRAM), str(folder), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**environment, **ENVIRONMENT},
            start_new_session=True,
        )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe
