"""A cluster is made: complete, or not there at all. Whatever was interrupted, the next creation makes whole.

All is made in a draft, `postgres.new`, and renamed at the end. Where the data are not in the home, `postgres.new` is a
link to where they will be, from the first moment on: nothing that was begun is ever lost sight of.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from automl.errors import StorageError
from automl.storage.embedded.home_identity import HomeStamp
from automl.storage.embedded.paths import DRAFT, ClusterPaths
from automl.storage.embedded.postgres_programs import failure, give, run_program

if sys.platform != "win32":
    import pwd

ROLE = DATABASE = "automl"
PASSWORD = "automl.password"  # noqa: S105 - the name of a file
"""In the data: data that are moved away, and back, keep theirs."""
INITDB = (
    f"--username={ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",  # the same order of names on every machine
    "--no-instructions",
    "--no-clean",  # who is told of a full disk sees it full
)
STATEMENTS = f"CREATE DATABASE {DATABASE}\nSELECT datname FROM pg_database WHERE datname = '{DATABASE}'\n"


def create_cluster(paths: ClusterPaths, password: str) -> None:
    """Make the cluster with its role and database.

    Raises: StorageError if PostgreSQL does not succeed; nothing is left then. OSError.
    """
    _refuse_nameless_user(paths)
    draft = _make_draft(paths)
    try:
        data = _fill(paths, draft, password)
        data.rename(paths.data)
        shutil.rmtree(draft)
        if paths.data != paths.link:
            paths.link.with_name(DRAFT).rename(paths.link)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _fill(paths: ClusterPaths, draft: Path, password: str) -> Path:
    """The whole cluster in the draft."""
    data, password_file = draft / "data", draft / "password"
    password_file.touch(0o600)
    password_file.write_text(password, "utf-8")
    give(paths, password_file)
    run_program(paths, "initdb", *INITDB, f"--pgdata={data}", f"--pwfile={password_file}")
    printed = run_program(paths, "postgres", "--single", "-D", str(data), "postgres", statements=STATEMENTS)
    if f'datname = "{DATABASE}"' not in printed:
        raise failure(paths, "could not be created", printed)
    password_file.rename(data / PASSWORD)
    HomeStamp.of(paths.link.parent).write(data)
    return data


def _make_draft(paths: ClusterPaths) -> Path:
    """The empty draft; what an interrupted creation of this home left is removed."""
    begun = paths.link.with_name(DRAFT)
    draft = begun
    if paths.data == paths.link:
        if begun.is_symlink():
            begun.unlink()
    else:
        paths.data.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if not begun.is_symlink():
            _remove(begun)
            begun.symlink_to(paths.data)
        draft = paths.data.with_name(f"{paths.data.name}.new")
        _remove_own(paths.data, paths)
    _remove(draft)
    draft.mkdir(mode=0o700)
    give(paths, draft)
    return draft


def _remove_own(data: Path, paths: ClusterPaths) -> None:
    """Remove data that were made whole but not linked. A home that was copied meanwhile has the same link.

    Raises: StorageError if they are not this home's.
    """
    if not data.exists():
        return
    stamp = HomeStamp.read(data)
    if stamp is None or not stamp.is_same(HomeStamp.of(paths.link.parent)):
        raise StorageError(
            f"{paths.link.with_name(DRAFT)} links to {data}, which another home made. "
            "Remove the link, and a new database is made for this one."
        )
    _remove(data)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _refuse_nameless_user(paths: ClusterPaths) -> None:
    """Only `initdb` asks for the name; a server on a cluster that is there runs without one."""
    user = paths.account.uid if paths.account else os.geteuid()
    try:
        pwd.getpwuid(user)
    except KeyError as error:
        raise StorageError(
            f"The embedded PostgreSQL needs a user that the system knows, and user id {user} has no entry in "
            "/etc/passwd. Add one, run as another user, or set --storage (AUTOML_STORAGE) to a PostgreSQL URL."
        ) from error
