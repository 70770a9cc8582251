"""`subprocess.Popen` starts command lines of ours as forks of a template.

Only the start differs. The fork is a child of the caller, with its streams, folder and environment, and is signalled,
waited for and killed like any other. It is a process of the real program: nothing of the test's own is in it.
"""

from __future__ import annotations

import ctypes
import inspect
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.forking.start import Start, arguments_of, starts_alike

ROOT = Path(__file__).resolve().parents[2]
PR_SET_CHILD_SUBREAPER = 36
LARGEST_MESSAGE = 1 << 20


class Template:
    """The caller's end of a template, which is a child of the caller."""

    def __init__(self, channel: socket.socket, environment: Mapping[str, str]) -> None:
        """`environment`: the one in which the template has imported."""
        self.channel = channel
        self.environment = environment
        self._lock = threading.Lock()

    def start(self, start: Start, streams: list[int]) -> int:
        """Start a process with these three descriptors as its streams; returns its id, that of a child."""
        with self._lock, _adopting():
            socket.send_fds(self.channel, [start.encode()], streams)
            number = int(self.channel.recv(LARGEST_MESSAGE))
            assert self.channel.recv(LARGEST_MESSAGE) == b"adopted"
            return number


@contextmanager
def _adopting() -> Iterator[None]:
    """Within the block, a fork whose parent ends becomes a child of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


class LazyTemplate:
    """A template that starts when the first process is asked for, and ends when it is closed."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self._template: Template | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self, start: Start, streams: list[int]) -> int:
        """As `Template.start`."""
        with self._lock:
            if self._template is None:
                self._template = Template(self._launch(), self.environment)
        return self._template.start(start, streams)

    def close(self) -> None:
        """End the template, if there is one."""
        if self._template is not None and self._process is not None:
            self._template.channel.close()
            self._process.wait()

    def _launch(self) -> socket.socket:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-X", "utf8", "-m", "tests.forking.template", str(its.fileno())]
            self._process = subprocess.Popen(
                command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT, env=self.environment
            )
        return ours


def start_by(template: Template | LazyTemplate) -> Any:
    """A replacement of `subprocess.Popen._execute_child`: forks of the template where that makes no difference."""
    execute = subprocess.Popen._execute_child  # type: ignore[attr-defined]
    signature = inspect.signature(execute)

    def execute_child(process: Any, *arguments: Any) -> None:
        call = signature.bind(process, *arguments).arguments
        start = _as_start(call, template)
        if start is None:
            execute(process, *arguments)
            return
        theirs = (call["p2cread"], call["c2pwrite"], call["errwrite"])
        process.pid = template.start(start, [own if own != -1 else number for number, own in enumerate(theirs)])
        process._child_created = True
        ends = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        process._close_pipe_fds(*(call[name] for name in ends))

    return execute_child


def _as_start(call: Mapping[str, Any], template: Template | LazyTemplate) -> Start | None:
    command = call["args"]
    if isinstance(command, str | bytes | os.PathLike) or call["shell"] or call["executable"] or call["pass_fds"]:
        return None
    identity = [call.get(name) for name in ("uid", "gid", "gids", "umask", "process_group")]
    arguments = arguments_of([os.fsdecode(word) for word in command])
    environment = {os.fsdecode(name): os.fsdecode(value) for name, value in (call["env"] or os.environ).items()}
    plain = call["preexec_fn"] is None and call["close_fds"] and all(one in (None, -1) for one in identity)
    if arguments is None or not plain or not starts_alike(environment, template.environment):
        return None
    folder = os.path.abspath(os.fsdecode(call["cwd"] or "."))  # noqa: PTH100 – does not resolve links
    return Start(arguments, folder, environment, call["start_new_session"])
