"""The server process of a data folder: found, asked whether it lives, ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SOCKET_NAME = ".s.PGSQL.5432"
PID_FILE = "postmaster.pid"
STOP_SECONDS = 30.0
POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Server:
    """What a server writes of itself into `postmaster.pid`."""

    pid: int
    sockets: Path
    """Folder of its socket; the current folder as long as that line is not written."""
    status: str
    """`starting`, `ready`, `stopping`, or empty."""

    @classmethod
    def read(cls, data: Path) -> Server | None:
        """Return the record, or None if there is none or its first line is not written yet."""
        try:
            lines = os.fsdecode((data / PID_FILE).read_bytes()).splitlines() + [""] * 8
        except FileNotFoundError:
            return None
        return cls(int(lines[0]), Path(lines[4]), lines[7].strip()) if lines[0].isdecimal() else None

    def answers(self) -> bool:
        """Whether somebody listens on the socket: also a server of another container, whose pid means nothing here."""
        if not self.sockets.is_absolute():
            return False
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            try:
                client.connect(str(self.sockets / SOCKET_NAME))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            except TimeoutError:
                return True  # its queue is full
        return True


def runs(pid: int, data: Path) -> bool:
    """Whether this process is a living server of `data`; by now the pid may be somebody else's."""
    return str(data) in _command_line(pid)


def end(pid: int, data: Path) -> None:
    """Stop that server of `data` and wait for its end; one that is gone, or another container's, is left alone."""
    for request in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's fast, then its immediate shutdown
        if runs(pid, data):
            os.kill(pid, request)
            _await_end(pid, data)


def end_unrecorded(data: Path) -> None:
    """End every server that was started on `data`, recorded there or not."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            end(process.pid, data)


def forget_dead(data: Path, sockets: Path) -> None:
    """Remove the lock files of a dead server: PostgreSQL would refuse to start if another process has its pid now.

    Where that process is a PostgreSQL, they stay and PostgreSQL decides: the folder may have been moved under it.
    """
    dead = Server.read(data)
    if dead is None or not _is_postgres(dead.pid):
        (data / PID_FILE).unlink(missing_ok=True)
        (sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def _is_postgres(pid: int) -> bool:
    return [Path(program).name for program in _command_line(pid)[:1]] == ["postgres"]


def _command_line(pid: int) -> list[str]:
    """Command line of a process; empty for one that is gone, dying, or dead but not yet collected by its parent."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def _await_end(pid: int, data: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while runs(pid, data) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
