"""Which command lines may be forks, and how one is sent to the template."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import automl
from automl.child_processes import FLAGS

PACKAGE = Path(automl.__file__).parent
COMMANDS = (
    (sys.executable, "-m", "automl"),
    (sys.executable, *FLAGS, str(PACKAGE / "__main__.py")),
    (str(Path(sys.executable).with_name("automl")),),
)
"""The ways in which tests and the package start a command line."""
READ_AT_START = ("PYTHON", "LC_", "LD_", "OMP_", "MKL_", "OPENBLAS_", "TORCH", "PYTORCH", "CUDA", "NVIDIA", "MPL")
"""Beginnings of the names of variables that the interpreter and the libraries read when they start."""
READ_AT_IMPORT = ("LANG", "LANGUAGE", "HOME", "TMPDIR", "TEMP", "TMP")


@dataclass(frozen=True)
class Start:
    """A command line to be started: everything but its three streams, which are sent as descriptors."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]
    new_session: bool

    def encode(self) -> bytes:
        """As one message."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, message: bytes) -> Start:
        """What such a message says."""
        return cls(**json.loads(message))


def arguments_of(command: Sequence[str]) -> list[str] | None:
    """Arguments of a command line of ours; None of any other: wandb's process fails in a fork that has torch."""
    for start in COMMANDS:
        if tuple(command[: len(start)]) == start:
            return list(command[len(start) :])
    return None


def starts_alike(environment: Mapping[str, str], template: Mapping[str, str]) -> bool:
    """Whether interpreter and libraries would have started in the one as they did in the other."""
    return _read(environment) == _read(template)


def _read(environment: Mapping[str, str]) -> dict[str, str]:
    ours = {"PYTHONSAFEPATH", "PYTHONUTF8", "PYTHONIOENCODING"}  # said by FLAGS too, or honoured by the template
    return {
        name: value
        for name, value in environment.items()
        if (name.startswith(READ_AT_START) or name in READ_AT_IMPORT) and name not in ours
    }
