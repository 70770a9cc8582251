"""How every Python process that we start runs: no module comes from the current folder, and all text is UTF-8.

Python puts the current folder first where it looks for modules, in each process that `-c` or `-m` starts: those of
multiprocessing and joblib too. A `random.py` or a `queue.py` of the user's would hide Python's own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import NoReturn

FLAGS = ("-P", "-X", "utf8")
"""Options of an interpreter that we start ourselves."""
ENVIRONMENT = {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONIOENCODING": "utf-8:backslashreplace"}
"""The same for interpreters that libraries start."""
PROGRAM = Path(__file__).with_name("__main__.py")


def automl_command(*arguments: str) -> list[str]:
    """The command line of an automl process, of this very package wherever it lies."""
    return [sys.executable, *FLAGS, str(PROGRAM), *arguments]


def replace_process(*arguments: str) -> NoReturn:
    """Let this process go on as another automl process, from the beginning: same number, same standard streams.

    It may be called from any thread, and does not wait for the others: one that hangs ends as well.
    """
    command = automl_command(*arguments)
    os.execv(command[0], command)  # noqa: S606 – the same program


@contextmanager
def isolated_children() -> Iterator[None]:
    """Let every process that starts within the block, by whatever library, run as this module says."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def main_set_aside() -> Iterator[None]:
    """Let processes that multiprocessing spawns within the block not run the main module once more.

    A notebook has none, and a script that searches at its top level would search again in each of them.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
