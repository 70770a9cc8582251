"""Image files in a folder or in a zip: which there are, and how to open one."""

from __future__ import annotations

import errno
import lzma
import os
import posixpath
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from automl.data.decoding.zip_names import read_names
from automl.errors import DataError

IMAGE_ENDINGS = frozenset(
    (
        *(".apng", ".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png", ".pnm"),
        *(".ppm", ".tif", ".tiff", ".webp"),
        *(".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"),  # JPEG 2000
    )
)
"""Endings that are read; `automl.data.sources.lost_folders` has those that are not, and why."""
IGNORED_NAMES = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
UNREADABLE = (OSError, EOFError, NotImplementedError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""Exceptions of the operating system, zipfile and its decompressors where something cannot be read."""
MAX_COMPRESSION = 1000
"""Deflate reaches 1032 on zeros alone: no photograph comes near."""


@dataclass(frozen=True)
class File:
    """One file of a container."""

    name: str
    """Relative, with forward slashes."""
    stamp: str
    """Changes when the file does."""


@dataclass(frozen=True)
class Tree:
    """What a container holds."""

    files: list[File]
    """Files that are not hidden, sorted by name."""
    folders: tuple[str, ...]
    """Folders that are not hidden, empty ones too."""
    hidden: tuple[str, ...]
    """Hidden folders with images."""


class Folder:
    """A folder with everything below it, links to folders included."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[File]:
        """All files that are not hidden.

        Raises: DataError if a folder cannot be read.
        """
        return self.tree().files

    def tree(self) -> Tree:
        """All files and folders.

        Raises: DataError if a folder cannot be read.
        """
        folders: list[str] = []
        hidden: list[str] = []
        try:
            files = sorted(self._walk(self.path, "", set(), folders, hidden), key=lambda file: file.name)
        except OSError as error:
            raise DataError(
                f"Cannot read the folder {error.filename}: {error.strerror}. Check its permissions."
            ) from error
        return Tree(files, tuple(sorted(folders)), tuple(sorted(hidden)))

    def open(self, name: str) -> IO[bytes]:
        """The file's bytes.

        Raises: OSError if it cannot be read, or is a pipe or a device, which might never end.
        """
        path = self.path / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return path.open("rb")

    def _walk(
        self, folder: Path, prefix: str, seen: set[tuple[int, int]], folders: list[str], hidden: list[str]
    ) -> Iterator[File]:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link back: each real folder counts once
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + entry.name
                if is_ignored(entry.name):
                    if entry.is_dir() and _holds_image(entry):
                        hidden.append(name)
                    continue
                if entry.is_symlink() and not Path(entry.path).exists():
                    yield File(name, "")  # leads nowhere: listed, so that it is reported as unreadable
                elif entry.is_dir():
                    folders.append(name)
                    yield from self._walk(Path(entry.path), name + "/", seen, folders, hidden)
                elif entry.is_file():
                    status = entry.stat()
                    yield File(name, f"{status.st_size} {status.st_mtime_ns}")
                else:
                    yield File(name, "")  # a pipe or a device: likewise


class Archive:
    """A zip, read without unpacking it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
            members = self._zip.infolist()
            if not all(member.filename for member in members):
                raise zipfile.BadZipFile("a file has no name")
            names = read_names(members)
        except (*UNREADABLE, ValueError) as error:  # the last from a damaged list of members
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"Cannot read the zip {path}: {reason}. Download or pack it again.") from error
        self.notes = names.notes
        """Encoding in which the names were read, if the zip does not name it."""
        self._doubt = names.doubt
        self._members = {_inside(name): member for name, member in names.members if not name.endswith(("/", "\\"))}
        self._folders = {_inside(name).rstrip("/") for name, _ in names.members if name.endswith(("/", "\\"))}

    def files(self) -> list[File]:
        """All files that are not hidden.

        Raises: DataError if the zip is hostile or encrypted.
        """
        for name, member in self._members.items():
            self._refuse_hostile(name, member)
        return [File(name, "") for name in sorted(self._members) if not is_ignored(name)]

    def tree(self) -> Tree:
        """All files and folders.

        Raises: DataError if the zip is hostile or encrypted, or the encoding of its folders' names is in doubt.
        """
        if self._doubt is not None:
            raise DataError(f"{self.path}: {self._doubt}")
        hidden = {folder for name in self._members if is_image(name) and (folder := _hidden_folder(name))}
        folders = sorted(folder for folder in self._folders if folder and not is_ignored(folder))
        return Tree(self.files(), tuple(folders), tuple(sorted(hidden)))

    def open(self, name: str) -> IO[bytes]:
        """The file's bytes, unpacked as they are read."""
        return self._zip.open(self._members[name])

    def size_bytes(self, name: str) -> int:
        """How large the file is once it is unpacked, by the archive's own word."""
        return self._members[name].file_size

    def _refuse_hostile(self, name: str, member: zipfile.ZipInfo) -> None:
        problem, parts = None, name.split("/")
        if parts[0] == "" or ".." in parts or parts[0].endswith(":"):
            problem = "has a path that leads out of the archive"
        elif member.file_size > MAX_COMPRESSION * max(1, member.compress_size):
            problem = f"unpacks to more than {MAX_COMPRESSION} times its size"
        elif member.flag_bits & 1:
            problem = "is encrypted"
        if problem is not None:
            raise DataError(f"{self.path}: {member.filename!r} {problem}; the archive is refused. Pack a clean one.")


def _inside(name: str) -> str:
    """The path of a zip's member with forward slashes."""
    return name.replace("\\", "/").removeprefix("./")


def is_ignored(name: str) -> bool:
    """Whether a path is hidden, or left behind by an operating system."""
    return any(part.startswith(".") or part in IGNORED_NAMES for part in name.split("/"))


def _holds_image(folder: os.DirEntry[str]) -> bool:
    """Whether a hidden folder has an image right in it that is not hidden itself; what the system leaves never has."""
    if folder.name in IGNORED_NAMES:
        return False
    try:
        with os.scandir(folder) as entries:
            return any(is_image(entry.name) and not is_ignored(entry.name) for entry in entries)
    except OSError:
        return False  # nobody asks for it


def _hidden_folder(name: str) -> str | None:
    """The folder right above the file, if it is that alone which hides it."""
    folder, _, file = name.rpartition("/")
    above, _, last = folder.rpartition("/")
    hidden = last.startswith(".") and not is_ignored(file) and not (above and is_ignored(above))
    return folder if hidden else None


def is_image(name: str) -> bool:
    """Whether the ending is an image's."""
    return ending(name) in IMAGE_ENDINGS


def ending(name: str) -> str:
    """The file name's, in small letters, with its dot."""
    return posixpath.splitext(name)[1].lower()
