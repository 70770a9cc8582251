"""Where weights, pictures and checkpoints lie: what a store can do, and the one that is a folder.

Every file is there whole or not at all. Names are relative, with `/` between their parts; an artifact's is its
identifier.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from automl.training.durable_files import flush_folder

S3 = "s3://"

PARTIAL = ".partial"
"""Folder of what is being written: beside the files, so that renaming it is atomic."""
ABANDONED_SECONDS = 3600.0
"""Time after which a file that nobody wrote to is of a killed process, in seconds."""


class ArtifactStore(Protocol):
    """Files by name. Every method raises OSError (a folder) or StorageError (S3) if the store cannot be reached."""

    @property
    def address(self) -> str:
        """What AUTOML_ARTIFACTS says of it: an absolute path, or `s3://bucket/prefix`."""

    @property
    def disk(self) -> Path:
        """The folder whose disk a file needs while it is written."""

    def writing(self, name: str) -> AbstractContextManager[Path]:
        """A path to write to; what lies there becomes `name` when the block ends without an error."""

    def reading(self, name: str) -> AbstractContextManager[Path]:
        """The file of this name on this machine, for the duration of the block.

        Raises: FileNotFoundError if there is none.
        """

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""

    def names(self, prefix: str) -> list[str]:
        """Names that begin with `prefix`, which holds at least the folder part of them, in order."""

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""

    def remove_folder(self, name: str) -> None:
        """Delete all files whose name begins with `name` and a `/`."""


class FolderStore:
    """A folder, made when something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    @property
    def disk(self) -> Path:
        """The folder, or the nearest one above it that is there."""
        return next(path for path in (self.folder, *self.folder.parents) if path.exists())

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path beside the files; renamed at the end, and the renaming flushed to the disk."""
        partial, target = self.folder / PARTIAL, self._path(name)
        partial.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(partial)
        beside = partial / str(uuid.uuid4())
        try:
            yield beside
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        flush_folder(target.parent)

    @contextmanager
    def reading(self, name: str) -> Iterator[Path]:
        """The file itself."""
        path = self._path(name)
        if not path.exists():
            raise FileNotFoundError(f"There is no {path}")
        yield path

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self._path(name).exists()

    def names(self, prefix: str) -> list[str]:
        """Names in one folder, that of `prefix`."""
        inside, _, start = prefix.rpartition("/")
        folder = self.folder / inside
        if not folder.is_dir():
            return []
        found = (file for file in folder.iterdir() if file.is_file() and file.name.startswith(start))
        return sorted(file.relative_to(self.folder).as_posix() for file in found)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Delete a folder with all that is in it, if it is there."""
        if (folder := self._path(name)).exists():
            shutil.rmtree(folder)

    def _path(self, name: str) -> Path:
        """Where a file lies. Raises: ValueError if that is outside the folder, as no name of ours is."""
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{name!r} leads out of {self.folder}; names of artifacts are relative, without '..'.")
        return self.folder / name


def _remove_abandoned(partial: Path) -> None:
    for file in partial.iterdir():
        try:
            if time.time() - file.stat().st_mtime > ABANDONED_SECONDS:
                file.unlink()
        except FileNotFoundError:  # another process renamed it, or was faster
            continue


def copy_file(source: ArtifactStore, name: str, target: ArtifactStore, new_name: str) -> None:
    """Copy one file between stores.

    Raises: FileNotFoundError if the source does not have it.
    """
    with source.reading(name) as read, target.writing(new_name) as written:
        shutil.copyfile(read, written)


def check_writable(store: ArtifactStore) -> None:
    """Write a small file and delete it.

    Raises: OSError or StorageError if that fails.
    """
    name = f"{PARTIAL}-{uuid.uuid4()}"
    with store.writing(name) as path:
        path.write_bytes(b"automl")
    store.remove(name)


@contextmanager
def temporary_file() -> Iterator[Path]:
    """A path in a folder of its own that is gone after the block."""
    with tempfile.TemporaryDirectory(prefix="automl-") as folder:
        yield Path(folder, "file")
