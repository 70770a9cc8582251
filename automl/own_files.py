"""Files that commands write for people: what automl did not write itself is never overwritten.

Its own are known by what is in them, not by their names.
"""

from __future__ import annotations

import mmap
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from automl.errors import SettingsError

CARD_LINE = "<!-- Model card, written by automl beside the model; exporting again overwrites it. -->"
REPORT_LINE = "<!-- Report of a search, written by automl; reporting again overwrites it. -->"
PAGE_MARK = '<meta name="generator" content="automl">'
PICTURE_MARK = {"Software": "automl"}
"""Of a PNG."""
MODEL_MARK = "automl-model"
"""In the description of a `.pt`."""
CARD_NAME = "automl"
"""Of the card in a `.pt2` and an `.onnx`."""
BACKUP_FILES = ("study.json", "trials.jsonl")
RECIPE_LINE = "# Written by automl beside its report; reporting again overwrites it."
ONNX_MARK = b"\x0a\x06automl\x12"
"""A metadata entry of this name: field 1, 6 bytes long, before field 2."""
START_BYTES = 4096
MOST_STUDY_BYTES = 64 * 2**20
"""Largest description of a study in a backup that is looked at."""
ZIP_START = b"PK\x03\x04"


def refuse_foreign(path: Path, *, option: str) -> None:
    """See that nothing is lost where a file is about to be written; a folder is left to whoever writes.

    `option`: that names another file.

    Raises: SettingsError if something is there that automl did not write.
    """
    try:
        if path.is_dir() or is_own(path):
            return
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise SettingsError(
            f"{path} is there and cannot be read ({error.strerror}), so it is not overwritten. "
            f"Give {option} another name, or move the file away."
        ) from error
    raise SettingsError(
        f"{path} is there and automl did not write it, so it is not overwritten. "
        f"Give {option} another name, or move the file away."
    )


def is_own(path: Path) -> bool:
    """Whether automl wrote the file, or there is nothing in it to lose.

    Raises: OSError if it cannot be read, FileNotFoundError if it is not there.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        return False
    if status.st_size == 0:
        return True
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    return _is_own_text(start) or _is_own_picture(start) or _holds(path, start)


def _is_own_text(start: bytes) -> bool:
    return start.startswith(tuple(line.encode() for line in (CARD_LINE, REPORT_LINE, RECIPE_LINE))) or (
        start.lower().startswith(b"<!doctype html>") and PAGE_MARK.encode() in start
    )


def _is_own_picture(start: bytes) -> bool:
    mark = b"tEXt" + b"\0".join(word.encode() for word in next(iter(PICTURE_MARK.items())))
    return start.startswith(b"\x89PNG") and mark in start


def _holds(path: Path, start: bytes) -> bool:
    """Whether it is a model or a backup."""
    if not start.startswith(ZIP_START):
        return _is_own_onnx(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return any(test(archive) for test in ZIPS)
    except (zipfile.BadZipFile, RuntimeError, ValueError, KeyError, EOFError, zlib.error, struct.error):
        return False  # damaged: whose it was is not known


def _is_own_onnx(path: Path) -> bool:
    if path.suffix != ".onnx":
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(ONNX_MARK) >= 0


def _is_own_model(archive: zipfile.ZipFile) -> bool:
    descriptions = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
    return any(MODEL_MARK.encode() in _start(archive, name, START_BYTES) for name in descriptions)


def _start(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """The beginning of a part, however much it would unpack to."""
    with archive.open(name) as part:
        return part.read(most_bytes)


def _is_own_program(archive: zipfile.ZipFile) -> bool:
    return any(name.endswith(f"extra/{CARD_NAME}.json") for name in archive.namelist())


def _is_own_backup(archive: zipfile.ZipFile) -> bool:
    if not set(BACKUP_FILES) <= set(archive.namelist()):
        return False
    start = _start(archive, BACKUP_FILES[0], START_BYTES)
    return b'"automl":' in start and b'"format":' in start


ZIPS: tuple[Callable[[zipfile.ZipFile], bool], ...] = (_is_own_model, _is_own_program, _is_own_backup)
