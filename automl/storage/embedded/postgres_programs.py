"""PostgreSQL's programs, run as the user that may, and the error with what they said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from automl.errors import StorageError
from automl.storage.embedded.full_disk import full_disk
from automl.storage.embedded.paths import ClusterPaths

LOG_LINES = 6
ERRORS = ("ERROR:", "FATAL:", "PANIC:")
"""What `postgres --single` says where a statement failed; its exit status is 0 all the same."""


def run_program(paths: ClusterPaths, name: str, *arguments: str, statements: str | None = None) -> str:
    """Run a program to its end, with `statements` as its input; what it printed.

    Raises: StorageError if it, or one of the statements, did not succeed. OSError.
    """
    done = subprocess.run(
        [paths.binaries / name, *arguments],
        input=statements,
        encoding="utf-8",
        errors="replace",
        capture_output=True,
        check=False,
        **as_account(paths),
    )
    if done.returncode != 0 or (statements and any(word in done.stderr for word in ERRORS)):
        raise failure(paths, "could not be created", done.stderr or done.stdout)
    return str(done.stdout)


def as_account(paths: ClusterPaths) -> dict[str, Any]:
    """Arguments of `subprocess` for a program of PostgreSQL's: its user, folder and environment."""
    # An environment of its own: PGDATA, PGOPTIONS and their like are meant for other servers.
    options: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}, "umask": 0o077}
    if paths.account:
        options |= {"user": paths.account.uid, "group": paths.account.gid, "extra_groups": []}
    return options


def give(paths: ClusterPaths, path: Path) -> None:
    """Give a file or folder to the user that PostgreSQL runs as."""
    if paths.account:
        os.chown(path, paths.account.uid, paths.account.gid)


def failure(paths: ClusterPaths, what: str, output: str) -> StorageError:
    """The error for a program that failed, with the end of what it said, and the disk if that is full."""
    said = "\n".join(output.strip().splitlines()[-LOG_LINES:]) or "(it said nothing)"
    full = full_disk(paths.data, output)
    return StorageError(
        f"The embedded PostgreSQL in {paths.data} {what}:\n{said}\n"
        f"{f'{full} Free some space, or set' if full else 'Set'} AUTOML_HOME to another local folder, "
        "or --storage to a PostgreSQL URL."
    )
