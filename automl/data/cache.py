"""Decoded pixels on disk: one folder for each source, read by all workers of a machine as a memory map.

<home>/cache/<name>-<hash of the reference and the sizing>/
    lock            one process decodes, the others wait
    <key>/          the key changes with the source
    <key>.partial/  the same until it is complete; an interrupted decoding goes on in it
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from automl.data import cache_format
from automl.data.disk_space import disk_errors
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Sizing
from automl.data.source_contents import Interrupted, Progress, Source
from automl.errors import DataError
from automl.private_folders import make_private

FORMAT = 4
"""Raised when the pixels of a source, or the files of the cache, would differ."""


def fetch(
    source: Source,
    sizing: Sizing,
    *,
    home: Path,
    pixel_range: PixelRange | None = None,
    on_progress: Progress | None = None,
) -> cache_format.CachedSource:
    """Read the source from the cache under `home`; decode it first if it is new or has changed.

    `pixel_range`: scale of images of more than 8 bits, where they have another than their own; such pixels have a
    folder of their own. Where all images have 8 bits, it changes nothing.

    Raises: DataError if the source cannot be used, or the cache cannot be written.
    """
    own = _fetch(source, sizing, None, home, on_progress)
    if pixel_range is None or own.record.pixel_range in (None, pixel_range):
        return own
    return _fetch(source, sizing, pixel_range, home, on_progress)


def _fetch(
    source: Source, sizing: Sizing, pixel_range: PixelRange | None, home: Path, on_progress: Progress | None
) -> cache_format.CachedSource:
    key = _short_hash(json.dumps([FORMAT, source.identity()]))
    scale = [] if pixel_range is None else [asdict(pixel_range)]
    location = json.dumps([source.reference, sizing.image_size, sizing.fit, *scale])
    folder = home / "cache" / f"{_file_name(source.name)}-{_short_hash(location)}" / key
    while (found := _read(folder)) is None:
        with _locked(folder.parent):
            if _read(folder) is None:  # else another process has decoded it while this one waited
                partial = folder.with_name(folder.name + ".partial")
                _remove_others(partial)
                _build(source, sizing, pixel_range, partial, on_progress)
                partial.rename(folder)
    return found


def _read(folder: Path) -> cache_format.CachedSource | None:
    with disk_errors(folder):
        return cache_format.read(folder)


def _build(
    source: Source, sizing: Sizing, pixel_range: PixelRange | None, folder: Path, on_progress: Progress | None
) -> None:
    if _read(folder) is not None:
        return  # killed between its last line and its new name
    try:
        cache_format.write(
            source.contents(),
            folder,
            sizing,
            reference=source.reference,
            pixel_range=pixel_range,
            on_progress=on_progress,
        )
    except Interrupted:
        raise
    except DataError:  # a refusal, or a full disk; whatever else happens leaves what is decoded
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _remove_others(folder: Path) -> None:
    """Remove earlier states of the source beside `folder`; open maps of them live on."""
    for path in folder.parent.iterdir():
        if path.is_dir() and path != folder:
            shutil.rmtree(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with disk_errors(folder):
        make_private(folder)
        file = (folder / "lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)  # freed by the system when this process ends, however it ends
        yield


def _file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)[:40]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
