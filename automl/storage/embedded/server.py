"""EmbeddedPostgres: one server a home, shared by every process that opens it, stopped by the last one to close it."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from urllib.parse import quote

from automl.errors import StorageError
from automl.private_folders import make_home
from automl.storage.embedded.cluster import Cluster
from automl.storage.embedded.cluster_creation import DATABASE, PASSWORD, ROLE, create_cluster
from automl.storage.embedded.full_disk import full_disk
from automl.storage.embedded.home_identity import claim_data
from automl.storage.embedded.locks import Use
from automl.storage.embedded.mounts import refuse_network_folder
from automl.storage.embedded.paths import STATE, locate_cluster
from automl.storage.embedded.postmaster import Server


class EmbeddedPostgres:
    """The PostgreSQL of one AUTOML_HOME, as one process uses it.

    A process that is killed leaves at most a running server, which the next one joins and stops. `state` is the folder
    for the data of a home that root keeps closed.
    """

    def __init__(self, home: Path, *, state: Path = STATE) -> None:
        self.home = Path(os.path.realpath(home))
        self._state = state
        self._password_file = self.home / "postgres.password"
        self._use: Use | None = None
        self._cluster: Cluster | None = None
        self._server: Server | None = None

    def start(self) -> str:
        """Join the server, started (and created, the first time) if need be; the URL for SQLAlchemy, with the password.

        Once started, calling it again revives a server that was killed.

        Raises: StorageError if PostgreSQL cannot run in this home.
        """
        if sys.platform == "win32":
            raise StorageError(
                "There is no embedded PostgreSQL on Windows. Use WSL, or set --storage to a PostgreSQL URL."
            )
        self._refuse_unreadable_name()
        refuse_network_folder(self.home)
        try:
            return self._start()
        except OSError as error:
            self.close()
            full = full_disk(self.home, os.strerror(error.errno or 0)) or ""
            raise StorageError(
                f"The embedded PostgreSQL cannot work in {self.home}: {error.strerror or error} ({error.filename}). "
                f"{full}{' ' * bool(full)}Set AUTOML_HOME to a local folder of your own with 100 MB free, "
                "or --storage to a PostgreSQL URL."
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give up the use of the server; stop it if nobody else uses it. Closing twice does nothing."""
        use, self._use = self._use, None
        if use is None:
            return
        try:
            with use.gate():
                if use.is_last() and self._cluster is not None:
                    # In a home that was deleted or made anew, the server at this path is somebody else's.
                    server = self._cluster.server() if use.is_current() else self._server
                    if server is not None:
                        self._cluster.stop(server)
        finally:
            use.close()

    def _start(self) -> str:
        if self._use is None:
            make_home(self.home)
            self._use = Use(self.home)
        elif not self._use.is_current():
            raise StorageError(
                f"The home {self.home} was moved or deleted while this command worked with its database. "
                "Begin again where it is now."
            )
        with self._use.gate():
            self._use.join()
            cluster = Cluster(locate_cluster(self.home, state=self._state))
            if not cluster.exists():
                cluster.end_predecessors()
                create_cluster(cluster.paths, self._new_password())
            claim_data(cluster.paths, is_running=cluster.server() is not None)
            self._cluster = cluster  # from here on its server may be stopped: it is this home's
            self._server = self._cluster.ensure_running()
            return self._url(cluster, self._server)

    def _refuse_unreadable_name(self) -> None:
        """A URL holds the path of the socket, and a URL is text."""
        try:
            str(self.home).encode()
        except UnicodeEncodeError as error:
            raise StorageError(
                f"{str(self.home)!r} has bytes in its name that are not UTF-8, which no database URL can hold. "
                "Rename the folder, or set AUTOML_HOME to another one."
            ) from error

    def _new_password(self) -> str:
        password = secrets.token_urlsafe(24)
        self._password_file.unlink(missing_ok=True)
        with os.fdopen(
            os.open(self._password_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(password)
        return password

    def _password(self, data: Path) -> str:
        for file in (data / PASSWORD, self._password_file):
            if file.exists():
                return file.read_text("utf-8").strip()
        raise StorageError(
            f"{self._password_file} is missing, and nothing else opens the database beside it. "
            f"Restore it, or move {self.home / 'postgres'} away to begin anew."
        )

    def _url(self, cluster: Cluster, server: Server) -> str:
        password, folder = self._password(cluster.paths.data), quote(str(server.sockets))
        # The port is part of the socket's name: without it, PGPORT in the environment would change it.
        return f"postgresql+psycopg2://{ROLE}:{password}@/{DATABASE}?host={folder}&port=5432"
