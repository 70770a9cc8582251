"""One PostgreSQL data folder: created, started, recovered after a crash, stopped. Callers serialize all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from automl.errors import StorageError
from automl.storage.embedded.paths import MAJOR, ClusterPaths, socket_folder
from automl.storage.embedded.postmaster import POLL_SECONDS, Server, end, end_unrecorded, forget_dead, runs

if sys.platform != "win32":
    import pwd

ROLE = DATABASE = "automl"
START_SECONDS = 60.0
LOG_LINES = 6

SETTINGS = {
    "listen_addresses": "",  # reachable through the socket alone
    "port": "5432",  # names the socket; PGPORT must not
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",  # a study is a few megabytes; the memory is the workers'
    "max_connections": "100",  # three a worker, so about 30 workers; more belong to a server of its own
    "fsync": "on",  # a finished trial survives a power cut
    "wal_level": "minimal",  # nobody replicates a search
    "max_wal_senders": "0",
    "io_method": "sync",  # no helper processes for the little there is to read
    "jit": "off",  # compiling a query takes longer than any of ours
    "max_parallel_workers_per_gather": "0",  # likewise
    "dynamic_shared_memory_type": "mmap",  # /dev/shm has 64 MB in a container, and systemd empties it at logout
}

INITDB = (
    f"--username={ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",  # the same order of names on every machine
    "--no-instructions",
)

# The shell leaves at once, so the server is nobody's child and no zombie of a long-lived process; in a session of its
# own, Ctrl-C in the terminal does not reach it.
LAUNCH = '"$@" >>"$0" 2>&1 </dev/null & echo $!'


class Cluster:
    """The data folder at `paths` and the server on it."""

    def __init__(self, paths: ClusterPaths) -> None:
        self.paths = paths
        self._log = paths.data / "server.log"

    def exists(self) -> bool:
        """Whether the home has a cluster.

        Raises: StorageError if it is of another version of PostgreSQL, or the folder holds something else.
        """
        version = self.paths.link / "PG_VERSION"
        if version.exists():
            found = version.read_text("utf-8").strip()
            if found == MAJOR:
                return True
            raise StorageError(
                f"{self.paths.data} is of PostgreSQL {found}, and this automl brings {MAJOR}. "
                "Use the automl that made it, or set AUTOML_HOME to another folder."
            )
        if self.paths.link.is_dir() and any(self.paths.link.iterdir()):
            raise StorageError(
                f"{self.paths.link} is no PostgreSQL cluster. Move it away, or set AUTOML_HOME to another folder."
            )
        return False

    def create(self, password: str) -> None:
        """Make the cluster with its role and database; complete, or not there at all.

        Raises: StorageError if PostgreSQL does not succeed. OSError.
        """
        self._refuse_nameless_user()
        self._end_predecessor()
        draft = self._make_draft()
        data, password_file = draft / "data", draft / "password"
        password_file.write_text(password, "utf-8")
        self._give(password_file)
        self._run("initdb", *INITDB, f"--pgdata={data}", f"--pwfile={password_file}")
        self._run("postgres", "--single", "-D", str(data), "postgres", statement=f"CREATE DATABASE {DATABASE}")
        data.rename(self.paths.data)
        shutil.rmtree(draft)
        if self.paths.link != self.paths.data and not self.paths.link.is_symlink():
            self.paths.link.symlink_to(self.paths.data)

    def server(self) -> Server | None:
        """Return the living server of this cluster, whatever it is doing."""
        server = Server.read(self.paths.data)
        return server if server and (runs(server.pid, self.paths.data) or server.answers()) else None

    def ensure_running(self) -> Server:
        """Start the server if it does not run; return once it takes connections, recovered from a crash if it had one.

        Raises: StorageError with the end of its log if it does not start. OSError.
        """
        deadline = time.monotonic() + START_SECONDS
        launched: int | None = None
        while time.monotonic() < deadline:
            server = self.server()
            if server is not None and server.status == "ready":
                return server
            if server is None and (launched is None or not runs(launched, self.paths.data)):
                if launched is not None:
                    self._expect_retry()
                launched = self._launch()
            time.sleep(POLL_SECONDS)
        raise self._failure(f"did not become ready in {START_SECONDS:g} seconds")

    def stop(self, server: Server) -> None:
        """Stop a server of this cluster, recorded in it or not any more, and wait for its end."""
        end(server.pid, self.paths.data)
        if server.sockets != self.paths.data:
            with suppress(OSError):  # not empty: a killed server's socket, which the next one takes over
                server.sockets.rmdir()

    def _launch(self) -> int:
        """Start the server in the background; its pid."""
        data = self.paths.data
        sockets = socket_folder(data, self.paths.account)
        forget_dead(data, sockets)
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = [self._program("postgres"), "-D", str(data), "-k", _list_item(sockets), *options]
        shell = ["/bin/sh", "-c", LAUNCH, str(self._log), *server]
        started = subprocess.run(
            shell, stdout=subprocess.PIPE, check=True, start_new_session=True, **self._as_account()
        )
        return int(started.stdout)

    def _expect_retry(self) -> None:
        """Accept that the server ended at once only if a killed one's processes were still on their way out."""
        if "is still in use" not in self._log_end():
            raise self._failure("did not start")

    def _end_predecessor(self) -> None:
        """End the server of a home that was deleted at this path: it would take the new one's socket with it."""
        end_unrecorded(self.paths.data)
        if self.paths.data != self.paths.link and self.paths.data.exists():
            shutil.rmtree(self.paths.data)

    def _refuse_nameless_user(self) -> None:
        """Only `initdb` asks for the name; a server on a cluster that is there runs without one."""
        user = self.paths.account.uid if self.paths.account else os.geteuid()
        try:
            pwd.getpwuid(user)
        except KeyError as error:
            raise StorageError(
                f"The embedded PostgreSQL needs a user that the system knows, and user id {user} has no entry in "
                "/etc/passwd. Add one, run as another user, or set --storage (AUTOML_STORAGE) to a PostgreSQL URL."
            ) from error

    def _run(self, program: str, *arguments: str, statement: str | None = None) -> None:
        command = [self._program(program), *arguments]
        done = subprocess.run(
            command,
            input=statement,
            encoding="utf-8",
            errors="replace",
            capture_output=True,
            check=False,
            **self._as_account(),
        )
        if done.returncode != 0:
            raise self._failure("could not be created", done.stderr or done.stdout)

    def _program(self, name: str) -> str:
        return str(self.paths.binaries / name)

    def _as_account(self) -> dict[str, Any]:
        # An environment of its own: PGDATA, PGOPTIONS and their like are meant for other servers.
        options: dict[str, Any] = {"cwd": "/", "env": {"PATH": os.defpath, "LC_ALL": "C"}, "umask": 0o077}
        if self.paths.account:
            options |= {"user": self.paths.account.uid, "group": self.paths.account.gid, "extra_groups": []}
        return options

    def _make_draft(self) -> Path:
        draft = self.paths.data.with_name(f"{self.paths.data.name}.new")
        if draft != self.paths.link.with_name(draft.name):
            draft.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        if draft.exists():
            shutil.rmtree(draft)  # of a creation that was interrupted
        draft.mkdir(mode=0o700)
        self._give(draft)
        return draft

    def _give(self, path: Path) -> None:
        if self.paths.account:
            os.chown(path, self.paths.account.uid, self.paths.account.gid)

    def _log_end(self) -> str:
        return self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""

    def _failure(self, what: str, output: str | None = None) -> StorageError:
        said = "\n".join((output or self._log_end()).strip().splitlines()[-LOG_LINES:]) or "(it said nothing)"
        full = "No space left on device" in said
        return StorageError(
            f"The embedded PostgreSQL in {self.paths.data} {what}:\n{said}\n"
            f"{'The disk is full: free some space, or set' if full else 'Set'} AUTOML_HOME to another local folder, "
            "or --storage to a PostgreSQL URL."
        )


def _list_item(folder: Path) -> str:
    """`folder` as an item of a list setting, where commas and quotes mean something."""
    return '"' + str(folder).replace('"', '""') + '"'
