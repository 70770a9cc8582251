"""A cluster is made whole or not at all: killed at every step, on disks of every size."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from automl.errors import StorageError
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.cluster_creation import PASSWORD, create_cluster
from automl.storage.embedded.home_identity import STAMP
from automl.storage.embedded.paths import ClusterPaths
from tests.storage.embedded.asking import ask

# The order of our own steps is under test: the two programs are stand-ins that take no time. The disks below have the
# real ones.
INITDB = '#!/bin/sh\nfor last; do case "$last" in --pgdata=*) data="${last#--pgdata=}";; esac; done\n'
INITDB += 'mkdir "$data" && echo 18 >"$data/PG_VERSION"\n'
POSTGRES = '#!/bin/sh\ntouch "$3/database" && echo \'1: datname = "automl"\'\n'
STEPS = {"open", "os.chown", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "subprocess.Popen"}


@pytest.mark.parametrize("data_in", ["home", "state"])
def test_creation_that_is_killed_at_any_step_is_made_whole_by_the_next(tmp_path: Path, data_in: str) -> None:
    binaries = tmp_path / "bin"
    binaries.mkdir()
    for name, script in (("initdb", INITDB), ("postgres", POSTGRES)):
        (binaries / name).write_text(script)
        (binaries / name).chmod(0o700)
    killed = 0
    while killed_at(killed, root := tmp_path / str(killed), _paths(root, binaries, data_in)):
        killed += 1
        paths = _paths(root, binaries, data_in)
        is_made = (paths.link / "PG_VERSION").exists()
        if not is_made:
            create_cluster(paths, "again")
        assert_whole(paths, password="first" if is_made else "again")
        if data_in == "state":
            assert list((root / "state").iterdir()) == [paths.link.readlink()]
    assert killed > 10
    assert_whole(_paths(root, binaries, data_in), password="first")


def _paths(root: Path, binaries: Path, data_in: str) -> ClusterPaths:
    link = root / "home" / "postgres"
    link.parent.mkdir(parents=True, exist_ok=True)
    begun = link.with_name("postgres.new")
    elsewhere = begun.readlink() if begun.is_symlink() else root / "state" / "random"
    return ClusterPaths(link, link if data_in == "home" else elsewhere, binaries, None)


def assert_whole(paths: ClusterPaths, *, password: str) -> None:
    assert (paths.link / "database").exists()
    assert (paths.link / STAMP).exists()
    assert (paths.link / PASSWORD).read_text() == password
    assert not any(paths.link.with_name("postgres.new").glob("*"))


def killed_at(step: int, root: Path, paths: ClusterPaths) -> bool:
    """Whether a process that makes the cluster, and is killed before that step of its, did not come to the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: this child uses none
        child = os.fork()
    if child == 0:
        steps = iter(range(step))

        def kill(event: str, arguments: tuple[object, ...]) -> None:
            if event in STEPS and str(root) in repr(arguments) and next(steps, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        try:
            create_cluster(paths, "first")
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[None]:
    """A small file system at `folder`."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system to fill")
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False).returncode != 0:
        pytest.skip("this machine does not let root mount a small file system to fill")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


FULL = {"size=12m": "initdb", "size=42m": "base/", "nr_inodes=5": "password", "nr_inodes=1200": "CREATE"}
"""Options of a small file system, and where it fills up."""
LEFT = {"postgres.gate", "postgres.users", "postgres.password"}


def test_disk_that_fills_at_any_moment_is_named_and_leaves_nothing_behind(empty_home: Path) -> None:
    """In our own steps, in `initdb`, in a checkpoint, and in CREATE DATABASE, after which PostgreSQL exits with 0."""
    with small_disk(empty_home, "mode=711"):
        for option, where in FULL.items():
            remount = f"remount,size=200m,nr_inodes=9999,{option}"
            subprocess.run(["mount", "-o", remount, str(empty_home)], check=True)
            with pytest.raises(StorageError, match=re.escape(where)) as caught:
                EmbeddedPostgres(empty_home).start()
            assert f"The disk at {empty_home} (tmpfs) is full: " in str(caught.value)
            assert {path.name for path in empty_home.iterdir()} <= LEFT
        subprocess.run(["mount", "-o", "remount,size=200m,nr_inodes=9999", str(empty_home)], check=True)
        server = EmbeddedPostgres(empty_home)
        assert ask(server.start(), "SELECT 1") == [(1,)]
        server.close()
