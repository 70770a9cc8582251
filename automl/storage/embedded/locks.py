"""Who uses an embedded PostgreSQL: locks that the kernel drops with the process, however it ends.

Every user holds `postgres.users` shared; the last one is who gets it exclusively. `postgres.gate` lets one process at a
time start, join or stop. Both stay in place for good: a lock on a file that another process deletes protects nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

USERS = "postgres.users"


class Use:
    """This process's use of the server of one home. Open it, then `join`; `close` gives it up."""

    def __init__(self, home: Path) -> None:
        """Open the lock files, made where they are missing.

        Raises: OSError if `home` does not allow it.
        """
        self._path = home / USERS
        self._gate = _open(home / "postgres.gate")
        self._users = _open(self._path)

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Wait until no other process starts, joins or stops; keep them out for the block."""
        fcntl.flock(self._gate, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._gate, fcntl.LOCK_UN)

    def join(self) -> None:
        """Become a user. Inside the gate this waits for nobody."""
        fcntl.flock(self._users, fcntl.LOCK_SH)

    def is_last(self) -> bool:
        """Whether nobody else is a user. False gives up this process's own use too: ask it only to leave."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_current(self) -> bool:
        """Whether the home is still the one that was opened: not deleted, not made anew."""
        try:
            return os.path.samestat(os.fstat(self._users), self._path.stat())
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Give up the use; nothing else happens to the server."""
        os.close(self._users)
        os.close(self._gate)


def is_used(home: Path) -> bool:
    """Whether a process uses the server of `home`."""
    try:
        users = os.open(home / USERS, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(users)
    return False


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
