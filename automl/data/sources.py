"""From a reference (a name or a path) to the source it means."""

from __future__ import annotations

import difflib
import zipfile
from collections.abc import Callable
from pathlib import Path

from automl.data.contents import Source
from automl.data.digits import Digits
from automl.data.files import ArchiveOfImages, FolderOfImages
from automl.errors import DataError

NAMED: dict[str, Callable[[], Source]] = {"digits": Digits}
"""Sets that need no path; a folder of the same name is meant by `./digits`."""


def find_source(reference: str) -> Source:
    """Find what the reference means.

    Raises: DataError if it is no known name and no folder or file of a known form.
    """
    if reference in NAMED:
        return NAMED[reference]()
    path = _existing(reference)
    if path.is_dir():
        return FolderOfImages(path)
    if zipfile.is_zipfile(path):
        return ArchiveOfImages(path)
    raise DataError(f"{path} is neither a folder nor a zip. Data is one of these: {_forms()}.")


def _existing(reference: str) -> Path:
    path = Path(reference).expanduser()
    try:
        if reference.strip() and path.exists():
            return path.resolve()
        near = _near(path)
    except OSError as error:
        raise DataError(f"Cannot read {reference!r}: {error.strerror}.") from error
    advice = f"Did you mean {near!r}?" if near else f"Data is one of these: {_forms()}."
    raise DataError(f"No data at {reference!r}: there is no such folder or file, and no set of this name. {advice}")


def _near(path: Path) -> str | None:
    beside = {entry.name: str(entry) for entry in path.parent.iterdir()} if path.parent.is_dir() else {}
    candidates = beside | {name: name for name in NAMED}
    names = difflib.get_close_matches(path.name, candidates, n=1)
    return candidates[names[0]] if names else None


def _forms() -> str:
    return f"{', '.join(NAMED)}, a folder <class>/… or train/<class>/…, a zip of such a folder"
