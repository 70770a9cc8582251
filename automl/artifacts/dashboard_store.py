"""Our artifacts as optuna-dashboard takes them; for a database role that may not write, without writing."""

from __future__ import annotations

import shutil
from typing import BinaryIO

from optuna.artifacts.exceptions import ArtifactNotFound
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.store import ArtifactStore


class OptunaArtifacts:
    """The three methods of Optuna's protocol for artifact stores."""

    def __init__(self, store: ArtifactStore, *, read_only: bool) -> None:
        """`read_only`: refuse to write and to delete."""
        self._store = store
        self._read_only = read_only

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """Open an artifact; a downloaded copy stays readable after its name is gone."""
        try:
            with self._store.reading(artifact_id) as path:
                return path.open("rb")
        except FileNotFoundError as error:
            raise ArtifactNotFound(str(error)) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Store an artifact.

        Raises: PermissionError where that is not allowed.
        """
        self._check_writable()
        with self._store.writing(artifact_id) as path, path.open("wb") as file:
            shutil.copyfileobj(content_body, file)

    def remove(self, artifact_id: str) -> None:
        """Delete an artifact.

        Raises: PermissionError where that is not allowed.
        """
        self._check_writable()
        self._store.remove(artifact_id)

    def _check_writable(self) -> None:
        if self._read_only:
            raise PermissionError(f"Artifacts in {self._store.address} are read-only here, as the database is.")


def may_delete_studies(connection: Connection) -> bool:
    """Whether the role of this connection can delete what a study consists of."""
    return bool(connection.scalar(text("SELECT has_table_privilege(current_user, 'studies', 'DELETE')")))
