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

from automl.errors import DataError

IMAGE_ENDINGS = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
IGNORED_NAMES = frozenset(("__MACOSX", "Thumbs.db", "desktop.ini"))
UNREADABLE = (OSError, EOFError, NotImplementedError, struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What the operating system, zipfile and its decompressors raise on what cannot be read."""
MAX_COMPRESSION = 1000
"""Deflate reaches 1032 on zeros alone: no photograph comes near."""


@dataclass(frozen=True)
class File:
    """One file of a container."""

    name: str
    """Relative, with forward slashes."""
    stamp: str
    """Changes when the file does."""


class Folder:
    """A folder with everything below it, links to folders included."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[File]:
        """All files that are not hidden.

        Raises: DataError if a folder cannot be read.
        """
        try:
            return sorted(self._walk(self.path, "", set()), key=lambda file: file.name)
        except OSError as error:
            raise DataError(
                f"Cannot read the folder {error.filename}: {error.strerror}. Check its permissions."
            ) from error

    def open(self, name: str) -> IO[bytes]:
        """The file's bytes.

        Raises: OSError if it cannot be read, or is a pipe or a device, which might never end.
        """
        path = self.path / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return path.open("rb")

    def _walk(self, folder: Path, prefix: str, seen: set[tuple[int, int]]) -> Iterator[File]:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link back: each real folder counts once
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = prefix + entry.name
                if is_ignored(entry.name):
                    continue
                if entry.is_symlink() and not Path(entry.path).exists():
                    yield File(name, "")  # leads nowhere: listed, so that it is told as unreadable
                elif entry.is_dir():
                    yield from self._walk(Path(entry.path), name + "/", seen)
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
            members = [member for member in self._zip.infolist() if not member.is_dir()]
        except (*UNREADABLE, ValueError, IndexError) as error:  # the last two from a damaged list of members
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"Cannot read the zip {path}: {reason}. Download or pack it again.") from error
        self._members = {member.filename.replace("\\", "/").removeprefix("./"): member for member in members}

    def files(self) -> list[File]:
        """All files that are not hidden.

        Raises: DataError if the zip is hostile or encrypted.
        """
        for name, member in self._members.items():
            self._refuse_hostile(name, member)
        return [File(name, "") for name in sorted(self._members) if not is_ignored(name)]

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


def is_ignored(name: str) -> bool:
    """Whether a path is hidden, or left behind by an operating system."""
    return any(part.startswith(".") or part in IGNORED_NAMES for part in name.split("/"))


def is_image(name: str) -> bool:
    """Whether the ending is an image's."""
    return ending(name) in IMAGE_ENDINGS


def ending(name: str) -> str:
    """The file name's, in small letters, with its dot."""
    return posixpath.splitext(name)[1].lower()
