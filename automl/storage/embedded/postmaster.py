"""The server process of a data folder: found, asked whether it lives, ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from automl.errors import StorageError

SOCKET_NAME = ".s.PGSQL.5432"
PID_FILE = "postmaster.pid"
STOP_SECONDS = 30.0
POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Server:
    """What a server writes of itself into `postmaster.pid`."""

    pid: int
    data: Path
    """Data folder as it was called when the server started."""
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
        if not lines[0].isdecimal():
            return None
        sockets = data if lines[4] and lines[4] == lines[1] else Path(lines[4])  # what lies in the data moves with them
        return cls(int(lines[0]), Path(lines[1]), sockets, lines[7].strip())

    def is_alive(self, data: Path) -> bool:
        """Whether it works on `data`, where it was read: a copy of the record is no server of the copy."""
        return runs(self.pid, data) or (data in (self.sockets, self.data) and self.answers())

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


def runs(pid: int, data: Path, *, folder: os.stat_result | None = None) -> bool:
    """Whether this process is a living server of `data`; by now the pid may be somebody else's.

    `folder`: what was at `data` when the server started, if that may have been moved since.
    """
    command, works_in = _command_line(pid), _working_folder(pid)
    if works_in is None or works_in.st_nlink == 0 or os.path.samestat(works_in, Path("/").stat()):
        return str(data) in command  # of a deleted home, or not in its folder yet
    expected = folder or (data.stat() if data.exists() else None)
    return expected is not None and os.path.samestat(works_in, expected) and (is_postgres(pid) or str(data) in command)


def end(pid: int, data: Path, *, folder: os.stat_result | None = None, at_once: bool = False) -> None:
    """Stop that server of `data` and wait for its end; one that is gone, or another container's, is left alone.

    `at_once`: without a last checkpoint, which PostgreSQL writes to where its data were when it started.
    """
    fast, immediate = signal.SIGINT, signal.SIGQUIT  # as PostgreSQL calls its ways to shut down
    for request in (immediate,) if at_once else (fast, immediate):
        if runs(pid, data, folder=folder):
            os.kill(pid, request)
            _await_end(pid, data, folder)


def end_unrecorded(data: Path) -> None:
    """End every server that was started on `data`, recorded there or not."""
    for pid in _servers():
        end(pid, data, at_once=True)


def end_moved(data: Path, *, is_used: Callable[[Path], bool]) -> None:
    """End servers of homes that were moved away from here: at their end they would take the next one's socket along.

    `is_used`: whether a home, given its new place, has users.

    Raises: StorageError if such a home has.
    """
    for pid in _servers():
        if str(data) not in _command_line(pid) or runs(pid, data):
            continue
        moved = Path(psutil.Process(pid).cwd())
        if is_used(moved.parent):
            raise StorageError(
                f"The home that was {data.parent} is {moved.parent} now, and a command still works there with its "
                f"database (pid {pid}). Let it end, or set AUTOML_HOME to another folder."
            )
        end(pid, moved, at_once=True)


def forget_dead(data: Path, sockets: Path) -> None:
    """Remove the lock files of a dead server: PostgreSQL would refuse to start if another process has its pid now.

    Where that process is a PostgreSQL, they stay and PostgreSQL decides: the folder may have been moved under it.
    """
    dead = Server.read(data)
    if dead is None or not is_postgres(dead.pid):
        (data / PID_FILE).unlink(missing_ok=True)
        (sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def recorded_pid(data: Path) -> int | None:
    """The pid in the record of `data`, whatever runs under it."""
    server = Server.read(data)
    return server.pid if server else None


def is_postgres(pid: int) -> bool:
    """Whether a server runs under this pid; its helpers call themselves otherwise."""
    return [Path(program).name for program in _command_line(pid)[:1]] == ["postgres"]


def _servers() -> list[int]:
    named = [process.pid for process in psutil.process_iter(["name"]) if process.info["name"] == "postgres"]
    return [pid for pid in named if is_postgres(pid)]


def _working_folder(pid: int) -> os.stat_result | None:
    """What the process works in, deleted or not; None if this user may not know. PostgreSQL works in its data."""
    try:
        folder = Path(f"/proc/{pid}/cwd") if psutil.LINUX else Path(psutil.Process(pid).cwd())
        return folder.stat()
    except (OSError, psutil.Error):
        return None


def _command_line(pid: int) -> list[str]:
    """Command line of a process; empty for one that is gone, dying, or dead but not yet collected by its parent."""
    try:
        return psutil.Process(pid).cmdline()
    except psutil.Error:
        return []


def _await_end(pid: int, data: Path, folder: os.stat_result | None) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while runs(pid, data, folder=folder) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
