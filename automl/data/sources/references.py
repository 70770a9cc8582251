"""From a reference (a name or a path) to the source it means."""

from __future__ import annotations

import difflib
import os
import zipfile
from pathlib import Path

from automl.data.source_contents import Source
from automl.data.sources import fer2013
from automl.data.sources.digits import Digits
from automl.data.sources.fer2013 import Fer2013Table
from automl.data.sources.files import ArchiveOfImages, FolderOfImages
from automl.data.sources.npz import ArrayFile
from automl.data.sources.torchvision_sets import DOWNLOADS, TorchvisionSet
from automl.data.tables import listing
from automl.data.tables.columns import EXPECTED, choose_columns
from automl.data.tables.listing import Listing
from automl.data.tables.table_files import Table
from automl.errors import DataError

NAMES = ("digits", *DOWNLOADS)
"""Sets that need no path; a folder of the same name is meant by `./digits`."""
NO_TEXT = frozenset((".xlsx", ".xls", ".ods", ".parquet", ".feather", ".arrow", ".pkl", ".pickle"))
"""Endings of tables that are not read."""


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
    if ending in listing.ENDINGS:
        return _table(path)
    if ending in NO_TEXT:
        raise DataError(f"{path} is no text. Save the table as CSV: path,label[,split][,group].")
    if zipfile.is_zipfile(path):
        return ArrayFile(path) if ending == ".npz" else ArchiveOfImages(path)
    if ending in (".zip", ".npz"):
        raise DataError(f"{path} is damaged, or no {ending} file: its end is missing. Download or save it again.")
    raise DataError(
        f"{path} is neither a folder nor a zip, .npz, .csv, .tsv or .jsonl file. Data is one of these: {_forms()}."
    )


def shadow_note(source: Source) -> tuple[str, ...]:
    """The note where a built-in set was taken, and a file or folder here has its name, too."""
    name = source.reference
    if name not in NAMES or not os.path.exists(name):  # noqa: PTH110 a folder that nobody may enter has nothing
        return ()
    kind = "folder" if Path(name).is_dir() else "file"
    return (f"{name} is the built-in set; the {kind} {name} here is called ./{name}",)


def _check_file(path: Path) -> None:
    """Raise: DataError if the file cannot be opened, or is a pipe or a device, which might never end."""
    try:
        if not path.is_file():
            raise DataError(f"{path} is a pipe or a device. Data is one of these: {_forms()}.")
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror}. Check its permissions.") from error


def _table(path: Path) -> Source:
    table = listing.table_in(path.parent, path.name)
    columns = table.columns()
    if not columns:
        raise DataError(f"{path} is empty. {EXPECTED}")
    if isinstance(table, Table) and set(columns) >= fer2013.COLUMNS:
        return Fer2013Table(path, table)
    choose_columns(columns, where=str(path))
    return Listing(path)


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
    folders = "a folder <class>/… or train/<class>/…, a zip of such a folder"
    return f"{', '.join(NAMES)}, {folders}, an .npz, a .csv, .tsv or .jsonl"
