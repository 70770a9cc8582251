"""From a reference (a name or a path) to the source it means."""

from __future__ import annotations

import difflib
import zipfile
from pathlib import Path

from automl.data.source_contents import Source
from automl.data.sources import fer2013, listing
from automl.data.sources.digits import Digits
from automl.data.sources.fer2013 import Fer2013Table
from automl.data.sources.files import ArchiveOfImages, FolderOfImages
from automl.data.sources.listing import Listing
from automl.data.sources.npz import ArrayFile
from automl.data.sources.tables import Table
from automl.data.sources.torchvision_sets import DOWNLOADS, TorchvisionSet
from automl.errors import DataError

NAMES = ("digits", *DOWNLOADS)
"""Sets that need no path; a folder of the same name is meant by `./digits`."""
NAMED_COLUMNS = 10
"""Of a table, in a message."""


def find_source(reference: str, *, home: Path) -> Source:
    """Find what the reference means; downloads belong under `home`.

    Raises: DataError if it is no known name and no folder or file of a known form.
    """
    if reference == "digits":
        return Digits()
    if reference in DOWNLOADS:
        return TorchvisionSet(reference, home / "datasets" / reference)
    path = _existing(reference)
    if path.is_dir():
        return FolderOfImages(path)
    _check_file(path)
    ending = path.suffix.lower()
    if ending == ".csv":
        return _table(path)
    if zipfile.is_zipfile(path):
        return ArrayFile(path) if ending == ".npz" else ArchiveOfImages(path)
    if ending in (".zip", ".npz"):
        raise DataError(f"{path} is damaged, or no {ending} file: its end is missing. Download or save it again.")
    raise DataError(f"{path} is neither a folder nor a zip, .npz or .csv file. Data is one of these: {_forms()}.")


def _check_file(path: Path) -> None:
    """Raise: DataError if the file cannot be opened, or is a pipe or a device, which might never end."""
    try:
        if not path.is_file():
            raise DataError(f"{path} is a pipe or a device. Data is one of these: {_forms()}.")
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Check its permissions.") from error


def _table(path: Path) -> Source:
    table = Table(path.parent, path.name)
    columns = table.columns()
    if not columns:
        raise DataError(f"{path} is empty. Expected path,label[,split][,group] or emotion,pixels.")
    if set(columns) >= fer2013.COLUMNS:
        return Fer2013Table(path, table)
    if set(columns) >= listing.COLUMNS:
        return Listing(path)
    more = ", …" if len(columns) > NAMED_COLUMNS else ""
    raise DataError(
        f"{path} has the columns {', '.join(columns[:NAMED_COLUMNS])}{more}. "
        "Expected path,label[,split][,group] or emotion,pixels."
    )


def _existing(reference: str) -> Path:
    try:
        path = Path(reference).expanduser()
        if reference.strip() and path.exists():
            return path.resolve()
        near = _near(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: the home folder of a user who does not exist
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise DataError(f"Cannot read {reference!r}: {reason}.") from error
    advice = f"Did you mean {near!r}?" if near else f"Data is one of these: {_forms()}."
    raise DataError(f"No data at {reference!r}: there is no such folder or file, and no set of this name. {advice}")


def _near(path: Path) -> str | None:
    beside = {entry.name: str(entry) for entry in path.parent.iterdir()} if path.parent.is_dir() else {}
    candidates = beside | {name: name for name in NAMES}
    names = difflib.get_close_matches(path.name, candidates, n=1)
    return candidates[names[0]] if names else None


def _forms() -> str:
    return f"{', '.join(NAMES)}, a folder <class>/… or train/<class>/…, a zip of such a folder, an .npz, a .csv"
