"""Folders that other users of the machine cannot look into."""

from __future__ import annotations

import errno
import os
from pathlib import Path

PRIVATE = 0o700
PASSABLE = 0o711
"""For root's homes: PostgreSQL's user passes through them, and nobody lists them."""


def make_private(folder: Path) -> None:
    """Make `folder` and what is missing above it, whatever the umask; folders that are there stay as they are.

    Raises: OSError.
    """
    _make(folder, PRIVATE)


def make_home(home: Path) -> None:
    """Make a home, and what is missing above it: as private as the PostgreSQL in it allows.

    Raises: OSError.
    """
    _make(home, _above())


def _above() -> int:
    """Mode of a folder that may have a home's database below it."""
    return PASSABLE if hasattr(os, "geteuid") and os.geteuid() == 0 else PRIVATE


def _make(folder: Path, mode: int) -> None:
    if folder.is_dir():
        return
    _make(folder.parent, _above())
    try:
        folder.mkdir()
    except FileExistsError:
        if folder.is_dir():
            return  # another process was faster
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    folder.chmod(mode)
