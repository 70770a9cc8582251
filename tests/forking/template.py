"""The process that is forked: it has imported what commands import, and has done nothing else.

It never computes, connects or starts a thread, so that a fork is as good as a new process. A fork whose command starts
processes itself has a template of its own, forked before anything runs in it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO

import numpy as np

import automl
from automl.cli.main import main as command_line
from tests.forking.client import LARGEST_MESSAGE, Template, start_by
from tests.forking.start import PACKAGE, Start

STARTING = ("search", "worker", "confirm", "train")
"""Commands that start processes: workers, which are forks too."""
LATER = ("torch._dynamo", "alembic.command", "sklearn.datasets", "psycopg2.extras", "psutil")
"""Modules that torch, Optuna and the package import when they first need them."""
PROGRAMS = ("__main__", "wandb_process")
"""Modules of the package that run when they are imported."""


@dataclass
class Fork:
    """What a fork is to be, and its end of the channel to a template of its own."""

    start: Start
    streams: list[int]
    channel: socket.socket | None = None


def import_everything() -> None:
    """Import all modules of the package, and what they import later."""
    for module in pkgutil.walk_packages(automl.__path__, "automl."):
        if module.name.rpartition(".")[2] not in PROGRAMS:
            importlib.import_module(module.name)
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def serve(channel: socket.socket) -> Fork:
    """Fork as often as asked, and end when the channel closes. Returns in each fork alone.

    The parent of a fork ends at once, so that the fork becomes a child of whoever asked.
    """
    while True:
        message, streams, _, _ = socket.recv_fds(channel, LARGEST_MESSAGE, 3)
        if not message:
            os._exit(0)
        parent = os.fork()
        if parent == 0:
            child = os.fork()
            if child == 0:
                channel.close()
                return Fork(Start.decode(message), streams)
            channel.send(str(child).encode())
            os._exit(0)
        os.waitpid(parent, 0)
        for stream in streams:
            os.close(stream)
        channel.send(b"adopted")


def with_template(fork: Fork) -> Fork:
    """The fork with a template of its own, which serves within this call and returns in its forks as well."""
    while fork.start.arguments[:1] and fork.start.arguments[0] in STARTING:
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() != 0:
            its.close()
            fork.channel = ours
            break
        ours.close()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        for stream in (*fork.streams, nothing):
            os.close(stream)
        fork = serve(its)
    return fork


def become(fork: Fork) -> None:
    """Take over streams, session, folder, environment and arguments, as a new process has them."""
    start = fork.start
    for number, stream in enumerate(fork.streams):
        os.dup2(stream, number)
    for stream in fork.streams:
        os.close(stream)
    if start.new_session:
        os.setsid()
    os.chdir(start.folder)
    os.environ.clear()
    os.environ.update(start.environment)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        opened = _stream(number)
        for variable in (name, f"__{name}__"):
            setattr(sys, variable, opened)
    program = str(PACKAGE / "__main__.py")
    sys.argv = [program, *start.arguments]
    sys.orig_argv = [sys.executable, *sys.argv]
    main_module = sys.modules["__main__"]
    main_module.__file__, main_module.__spec__ = program, None
    np.random.seed()
    if fork.channel is not None:
        template = Template(fork.channel, start.environment)
        subprocess.Popen._execute_child = start_by(template)  # type: ignore[attr-defined]


def _stream(number: int) -> IO[str]:
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    return open(
        number,
        "w" if number else "r",
        encoding=encoding or "utf-8",
        errors="backslashreplace" if number == 2 else errors or "surrogateescape",
        buffering=1 if number == 2 or os.isatty(number) else -1,
        closefd=False,
    )


def run() -> None:
    """Do what the program does, and end as Python does but for the modules: to tidy them up copies all their memory.

    An error is raised, and then all of Python's own end follows.
    """
    try:
        code = command_line()
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        code = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    import_everything()
    del sys.path[0]  # the checkout, from where the tests were found
    fork = with_template(serve(socket.socket(fileno=int(sys.argv[1]))))
    become(fork)
    run()
