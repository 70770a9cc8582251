"""The JSON of a backup, read within a limit of memory: a file of a kilobyte can announce a gigabyte."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automl.errors import StudyError
from automl.own_files import BACKUP_FILES

STUDY, TRIALS = BACKUP_FILES
MOST_BYTES = 2**30
"""Memory that study and trials may take, in bytes."""
LONGEST_LINE = 2**26
"""Length of the study, and of a trial, in bytes."""
NODE_BYTES = 100
"""Memory of an item of a list or an object, in bytes: `{}` takes 72, a number 32, a text with its key 120."""
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""What PostgreSQL stores in no text."""
UNREADABLE = (EOFError, NotImplementedError, RuntimeError, zlib.error)
"""What zipfile raises where it is damaged, beside BadZipFile."""


def read_backup(archive: zipfile.ZipFile, path: Path) -> tuple[Any, list[Any]]:
    """The study and its trials, as JSON has them.

    Raises: StudyError if the file is damaged, or would take more memory or disk than a backup does. KeyError,
        ValueError or RecursionError if it is no backup.
    """
    _check_announced(archive, path)
    try:
        damaged = archive.testzip()
    except UNREADABLE as error:
        raise StudyError(f"{path} is damaged: {error}. Take another copy of it.") from error
    if damaged is not None:
        raise StudyError(f"{path} is damaged: {damaged} in it cannot be read. Take another copy of it.")
    left = MOST_BYTES
    documents = []
    for line in (archive.read(STUDY), *_lines(archive)):
        left -= len(line) + NODE_BYTES * sum(line.count(letter) for letter in (b",", b"[", b"{"))
        if left < 0 or len(line) > LONGEST_LINE:
            raise _too_large(path)
        if NUL.search(line):
            raise ValueError("a text in it has the character NUL")
        documents.append(json.loads(line))
    return documents[0], documents[1:]


def _lines(archive: zipfile.ZipFile) -> Iterator[bytes]:
    with archive.open(TRIALS) as file:
        while line := file.readline(LONGEST_LINE + 1):
            yield line


def _check_announced(archive: zipfile.ZipFile, path: Path) -> None:
    """See that no part unpacks to more than a backup has: weights lie in it as they are, and texts are texts."""
    files = 0
    for part in archive.infolist():
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise StudyError(f"{path} is packed as no backup is. Take the file that automl backup wrote.")
        if part.filename not in BACKUP_FILES:
            files += part.file_size
        elif part.file_size > (LONGEST_LINE if part.filename == STUDY else MOST_BYTES):
            raise _too_large(path)
    if files > path.stat().st_size:
        raise StudyError(
            f"{path} announces {files:,} bytes of weights and pictures, more than it has itself: a backup does not "
            "pack them. Take the file that automl backup wrote."
        )


def _too_large(path: Path) -> StudyError:
    return StudyError(
        f"{path} would take more than {MOST_BYTES / 2**30:g} GiB of memory, or has a trial of more than "
        f"{LONGEST_LINE / 2**20:g} MiB. Use a backup that you trust."
    )
