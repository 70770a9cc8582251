"""Files of a study that moves: where they are read, and how they are called in a store."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from automl.artifacts.checkpoint_names import checkpoint_folder
from automl.artifacts.store import ArtifactStore, temporary_file


class FileSource(Protocol):
    """Where the files of a document are read."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """The file on this machine; FileNotFoundError if there is none."""


@dataclass(frozen=True)
class StoredFiles:
    """Files of a study among the artifacts."""

    artifacts: ArtifactStore
    uid: str

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """`artifacts/ID` or `checkpoints/NUMBER-ATTEMPT.pt`."""
        return self.artifacts.reading(stored_name(name, self.uid))


def stored_name(name: str, uid: str) -> str:
    """Where a document's file lies in a store."""
    kind, _, rest = name.partition("/")
    return rest if kind == "artifacts" else f"{checkpoint_folder(uid)}/{rest}"


@dataclass(frozen=True)
class ZippedFiles:
    """Files in a backup."""

    archive: zipfile.ZipFile

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """A copy in a temporary folder."""
        if name not in self.archive.namelist():
            raise FileNotFoundError(name)
        with temporary_file() as path:
            with self.archive.open(name) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield path
