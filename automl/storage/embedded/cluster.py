"""One PostgreSQL data folder: started, recovered after a crash, stopped. Callers serialize all of it."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from automl.errors import StorageError
from automl.storage.embedded.locks import is_used
from automl.storage.embedded.paths import MAJOR, ClusterPaths, socket_folder
from automl.storage.embedded.postgres_programs import as_account, failure
from automl.storage.embedded.postmaster import (
    POLL_SECONDS,
    Server,
    end,
    end_moved,
    end_unrecorded,
    forget_dead,
    runs,
)

START_SECONDS = 60.0

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

# The shell leaves at once, so the server is nobody's child and no zombie of a long-lived process; in a session of its
# own, Ctrl-C in the terminal does not reach it.
LAUNCH = '"$@" >>"$0" 2>&1 </dev/null & echo $!'


class Cluster:
    """The data folder at `paths` and the server on it."""

    def __init__(self, paths: ClusterPaths) -> None:
        self.paths = paths
        self._log = paths.data / "server.log"
        self._folder: os.stat_result | None = None

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
        if self.paths.link.is_symlink() and not self.paths.link.exists():
            raise StorageError(
                f"{self.paths.link} links to {self.paths.data}, the database of this home, and that is not there. "
                "The home may be of another machine. Bring that folder, or remove the link to begin anew."
            )
        if self.paths.link.is_dir() and any(self.paths.link.iterdir()):
            raise StorageError(
                f"{self.paths.link} is no PostgreSQL cluster. Move it away, or set AUTOML_HOME to another folder."
            )
        return False

    def server(self) -> Server | None:
        """Return the living server of this cluster, whatever it is doing."""
        server = Server.read(self.paths.data)
        return server if server and server.is_alive(self.paths.data) else None

    def ensure_running(self) -> Server:
        """Start the server if it does not run; return once it takes connections, recovered from a crash if it had one.

        Raises: StorageError with the end of its log if it does not start. OSError.
        """
        deadline = time.monotonic() + START_SECONDS
        launched: int | None = None
        while time.monotonic() < deadline:
            server = self.server()
            if server is not None and server.status == "ready":
                self._folder = self.paths.data.stat()
                return server
            if server is None and (launched is None or not runs(launched, self.paths.data)):
                if launched is not None:
                    self._expect_retry()
                launched = self._launch()
            time.sleep(POLL_SECONDS)
        raise self._failure(f"did not become ready in {START_SECONDS:g} seconds")

    def stop(self, server: Server) -> None:
        """Stop a server of this cluster, recorded in it or not any more, and wait for its end."""
        end(server.pid, self.paths.data, folder=self._folder, at_once=self._is_displaced())
        if server.sockets != self.paths.data:
            with suppress(OSError):  # not empty: a killed server's socket, which the next one takes over
                server.sockets.rmdir()

    def end_predecessors(self) -> None:
        """End the servers of homes that were here and were deleted or moved: they would write into this one.

        At its end a server takes its socket away, and at a checkpoint it writes to where its data were.

        Raises: StorageError if a command still works with one that was moved.
        """
        end_unrecorded(self.paths.data)
        end_moved(self.paths.data, is_used=is_used)

    def _is_displaced(self) -> bool:
        """Whether the data that were started are not there any more."""
        data = self.paths.data
        return self._folder is not None and not (data.exists() and os.path.samestat(data.stat(), self._folder))

    def _launch(self) -> int:
        """Start the server in the background; its pid."""
        data = self.paths.data
        self.end_predecessors()
        sockets = socket_folder(data, self.paths.account)
        forget_dead(data, sockets)
        if self._log.exists():
            self._log.replace(self._log.with_suffix(".log.1"))
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        server = [str(self.paths.binaries / "postgres"), "-D", str(data), "-k", _list_item(sockets), *options]
        shell = ["/bin/sh", "-c", LAUNCH, str(self._log), *server]
        started = subprocess.run(
            shell, stdout=subprocess.PIPE, check=True, start_new_session=True, **as_account(self.paths)
        )
        return int(started.stdout)

    def _expect_retry(self) -> None:
        """Accept that the server ended at once only if a killed one's processes were still on their way out."""
        if "is still in use" not in self._log_end():
            raise self._failure("did not start")

    def _log_end(self) -> str:
        return self._log.read_text("utf-8", errors="replace") if self._log.exists() else ""

    def _failure(self, what: str) -> StorageError:
        return failure(self.paths, what, self._log_end())


def _list_item(folder: Path) -> str:
    """`folder` as an item of a list setting, where commas and quotes mean something."""
    return '"' + str(folder).replace('"', '""') + '"'
