"""A decoded source as three files in a folder: writing them from the contents, and reading them back.

images.npy      M × H × W × C, uint8
index.npz       rows, labels, given splits and groups of the N readable images
record.json     classes, fingerprint, notes; written last
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.contents import Contents, Progress, Written
from automl.data.disk import allocate_images, disk_errors, sync
from automl.data.groups import check_groups
from automl.data.splits import check_classes
from automl.errors import DataError

UNREADABLE_SHARE = 0.01
"""Of all images; more is an error."""
LISTED = 5
"""Files that a message names before it counts the others."""
ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Index:
    """Arrays over the N readable images."""

    rows_N: npt.NDArray[np.int64]
    labels_N: npt.NDArray[np.int64]
    splits_N: npt.NDArray[np.int8]
    groups_N: npt.NDArray[np.int64]
    """Empty where the source has no groups."""


@dataclass(frozen=True)
class Record:
    """What is known of the images beside the arrays."""

    class_names: tuple[str, ...]
    fingerprint: str
    left_out: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Stored:
    """A decoded source."""

    images_MHWC: npt.NDArray[np.uint8]
    """A read-only memory map."""
    index: Index
    record: Record


def read(folder: Path) -> Stored | None:
    """What `write` has left there, or None if that is not complete."""
    try:
        values = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        with np.load(folder / "index.npz") as arrays:
            index = Index(**arrays)
        images_MHWC = np.load(folder / "images.npy", mmap_mode="r")
    except (FileNotFoundError, NotADirectoryError):
        return None
    left_out, notes = tuple(values["left_out"]), tuple(values["notes"])
    return Stored(images_MHWC, index, Record(tuple(values["class_names"]), values["fingerprint"], left_out, notes))


def write(contents: Contents, folder: Path, *, on_progress: Progress | None = None) -> None:
    """Decode all images into the folder, which must not exist.

    Raises: DataError if too many are unreadable, a class has nothing to learn from, or the disk is full.
    """
    check_classes(contents.labels_M, contents.splits_M, contents.class_names)
    if contents.groups_M is not None:
        check_groups(contents.groups_M, contents.splits_M)
    images = len(contents.labels_M)
    path = folder / "images.npy"
    written = contents.images.write(lambda shape: allocate_images(path, images, shape), on_progress=on_progress)
    _check_readable(contents, written)
    index = _index(contents, written)
    check_classes(index.labels_N, index.splits_N, contents.class_names)
    record = _record(contents, written, index, np.load(path, mmap_mode="r"))
    with disk_errors(folder):
        np.savez(folder / "index.npz", **vars(index))
        (folder / "record.json").write_text(json.dumps(asdict(record), ensure_ascii=False), encoding="utf-8")
        sync(folder)


def _check_readable(contents: Contents, written: Written) -> None:
    damaged, images = len(written.unreadable), len(contents.labels_M)
    if damaged <= UNREADABLE_SHARE * images:
        return
    raise DataError(
        f"{damaged} of {images} images cannot be read, more than {UNREADABLE_SHARE:.0%}:\n"
        f"{_unreadable_files(contents, written)}\nRepair or remove them."
    )


def _unreadable_files(contents: Contents, written: Written) -> str:
    rows = sorted(written.unreadable)
    lines = [f"  {contents.images.file_name(row)}: {written.unreadable[row]}" for row in rows[:LISTED]]
    return "\n".join(lines + ([f"  and {len(rows) - LISTED} more"] if len(rows) > LISTED else []))


def _index(contents: Contents, written: Written) -> Index:
    unreadable = np.fromiter(written.unreadable, np.int64)
    rows_N = np.setdiff1d(np.arange(len(contents.labels_M)), unreadable)
    groups_N = np.empty(0, np.int64) if contents.groups_M is None else contents.groups_M[rows_N]
    return Index(rows_N, contents.labels_M[rows_N], contents.splits_M[rows_N], groups_N)


def _record(contents: Contents, written: Written, index: Index, images_MHWC: npt.NDArray[np.uint8]) -> Record:
    left_out = tuple(contents.images.file_name(row) for row in sorted(written.unreadable))
    notes = contents.notes + written.notes
    if left_out:
        notes += (f"{len(left_out)} left out, as they cannot be read:\n{_unreadable_files(contents, written)}",)
    return Record(contents.class_names, _fingerprint(contents.class_names, index, images_MHWC), left_out, notes)


def _fingerprint(class_names: Sequence[str], index: Index, images_MHWC: npt.NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(json.dumps([class_names, images_MHWC.shape[1:]]).encode())
    for array in (index.labels_N.astype("<i8"), index.splits_N, index.groups_N.astype("<i8")):
        digest.update(array.tobytes())
    for start in range(0, len(index.rows_N), ROWS_AT_ONCE):
        digest.update(images_MHWC[index.rows_N[start : start + ROWS_AT_ONCE]].tobytes())
    return digest.hexdigest()
