"""Decoded pixels on disk: one folder for each source, read by all workers of a machine as a memory map.

<home>/cache/<name>-<hash of the reference>/
    lock            one process decodes, the others wait
    <key>/          the key changes with the source; the folder gets this name when it is complete
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from automl.data import stored
from automl.data.contents import Progress, Source
from automl.data.disk import disk_errors

FORMAT = 1
"""Raised when the pixels of a source, or the files of the cache, would differ."""


def fetch(source: Source, *, home: Path, on_progress: Progress | None = None) -> stored.Stored:
    """Read the source from the cache under `home`; decode it first if it is new or has changed.

    Raises: DataError if the source cannot be used, or the cache cannot be written.
    """
    key = _short_hash(json.dumps([FORMAT, source.identity()]))
    folder = home / "cache" / f"{_file_name(source.name)}-{_short_hash(source.reference)}" / key
    while (found := _read(folder)) is None:
        with _locked(folder.parent):
            if _read(folder) is None:  # else another process has decoded it while this one waited
                _remove_older(folder.parent)
                _build(source, folder, on_progress)
    return found


def _read(folder: Path) -> stored.Stored | None:
    with disk_errors(folder):
        return stored.read(folder)


def _build(source: Source, folder: Path, on_progress: Progress | None) -> None:
    partial = folder.with_name(folder.name + ".partial")
    try:
        stored.write(source.contents(), partial, on_progress=on_progress)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _remove_older(folder: Path) -> None:
    """Remove earlier states of the source, and what a killed process has left; open maps of them live on."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # freed by the system when this process ends, however it ends
        yield


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)[:40]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
