"""A decoded source as files in a folder: writing them from the source's contents, and reading them back.

images.npy        M × H × W × C, uint8
index.npz         rows, labels, given splits and groups of the N readable images
originals.json    names, sizes and modes of the M images before they were brought to one shape
record.json       classes, fingerprint, unreadable files, notes, scale of deep images; written last
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.data.decoding import decode_log
from automl.data.decoding.arrays import blocks_of
from automl.data.disk_space import PixelFile, disk_errors, sync
from automl.data.groups import check_groups
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Sizing
from automl.data.source_contents import Header, Progress, SourceContents, Written, none_readable
from automl.data.splits import check_classes


@dataclass(frozen=True)
class CacheIndex:
    """Arrays over the N readable images."""

    rows_N: npt.NDArray[np.int64]
    labels_N: npt.NDArray[np.int64]
    splits_N: npt.NDArray[np.int8]
    groups_N: npt.NDArray[np.int64]
    """Empty where the source has no groups."""


@dataclass(frozen=True)
class CacheRecord:
    """What is known of the images beside the arrays."""

    name: str | None
    """Name of the set where its content tells more than its path."""
    class_names: tuple[str, ...]
    fingerprint: str
    unreadable: tuple[tuple[str, str], ...]
    """Names of the images that are left out, and why."""
    notes: tuple[str, ...]
    pixel_range: PixelRange | None
    """Scale of images of more than 8 bits."""


@dataclass(frozen=True)
class OriginalImages:
    """The M images as the source has them."""

    names: tuple[str, ...]
    headers: tuple[Header | None, ...]
    """Headers of the images; None where there is none to be read."""


@dataclass(frozen=True)
class CachedSource:
    """A decoded source."""

    folder: Path
    images_MHWC: npt.NDArray[np.uint8]
    """A read-only memory map."""
    index: CacheIndex
    record: CacheRecord

    def originals(self) -> OriginalImages:
        """What only a look at the data needs: it is read when it is asked for."""
        document = json.loads((self.folder / "originals.json").read_text(encoding="ascii"))
        return OriginalImages(
            tuple(document["names"]), tuple(header and Header(*header) for header in document["headers"])
        )


def read(folder: Path) -> CachedSource | None:
    """What `write` has left there, or None if that is not complete."""
    try:
        values = json.loads((folder / "record.json").read_text(encoding="ascii"))
        with np.load(folder / "index.npz") as arrays:
            index = CacheIndex(**arrays)
        images_MHWC = np.load(folder / "images.npy", mmap_mode="r")
    except (FileNotFoundError, NotADirectoryError):
        return None
    values |= {"class_names": tuple(values["class_names"]), "notes": tuple(values["notes"])}
    values["unreadable"] = tuple((name, reason) for name, reason in values["unreadable"])
    values["pixel_range"] = values["pixel_range"] and PixelRange(**values["pixel_range"])
    return CachedSource(folder, images_MHWC, index, CacheRecord(**values))


def write(
    contents: SourceContents,
    folder: Path,
    sizing: Sizing,
    *,
    reference: str,
    pixel_range: PixelRange | None = None,
    on_progress: Progress | None = None,
) -> None:
    """Decode all images into the folder, which holds nothing but what an interrupted call has left.

    `reference`: the source, for messages. `pixel_range`: as `PixelFile` takes it.

    Raises: DataError if a class has nothing to learn from, or the disk is full.
    """
    check_classes(contents.labels_M, contents.splits_M, contents.class_names, reference=reference)
    if contents.groups_M is not None:
        check_groups(contents.groups_M, contents.splits_M, reference=reference)
    pixel_file = PixelFile(folder, len(contents.labels_M), contents.splits_M == 0, pixel_range)
    written = contents.images.write(pixel_file, sizing, on_progress=on_progress)
    index = _index(contents, written)
    if len(index.rows_N) == 0:
        raise none_readable(reference, len(contents.labels_M), written.unreadable[min(written.unreadable)])
    check_classes(index.labels_N, index.splits_N, contents.class_names, reference=reference)
    record = _record(contents, written, index, np.load(pixel_file.path, mmap_mode="r"))
    with disk_errors(folder):
        np.savez(folder / "index.npz", **vars(index))
        _write_json(folder / "originals.json", _originals(contents, written))
        sync(folder)
        _write_json(folder / "record.json", asdict(record))
        (folder / decode_log.NAME).unlink(missing_ok=True)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(document), encoding="ascii")
    unfinished.rename(path)


def _originals(contents: SourceContents, written: Written) -> dict[str, Any]:
    return {
        "names": [contents.images.file_name(row) for row in range(len(written.headers))],
        "headers": [header and (header.height, header.width, header.mode) for header in written.headers],
    }


def _index(contents: SourceContents, written: Written) -> CacheIndex:
    unreadable = np.fromiter(written.unreadable, np.int64)
    rows_N = np.setdiff1d(np.arange(len(contents.labels_M)), unreadable)
    groups_N = np.empty(0, np.int64) if contents.groups_M is None else contents.groups_M[rows_N]
    return CacheIndex(rows_N, contents.labels_M[rows_N], contents.splits_M[rows_N], groups_N)


def _record(
    contents: SourceContents, written: Written, index: CacheIndex, images_MHWC: npt.NDArray[np.uint8]
) -> CacheRecord:
    unreadable = tuple((contents.images.file_name(row), written.unreadable[row]) for row in sorted(written.unreadable))
    fingerprint = _fingerprint(contents.class_names, index, images_MHWC)
    notes = contents.notes + written.notes
    return CacheRecord(contents.name, contents.class_names, fingerprint, unreadable, notes, written.pixel_range)


def _fingerprint(class_names: Sequence[str], index: CacheIndex, images_MHWC: npt.NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(json.dumps([class_names, images_MHWC.shape[1:]]).encode())
    for array in (index.labels_N.astype("<i8"), index.splits_N, index.groups_N.astype("<i8")):
        digest.update(array.tobytes())
    for rows in blocks_of((len(index.rows_N), *images_MHWC.shape[1:])):
        digest.update(images_MHWC[index.rows_N[rows]].tobytes())
    return digest.hexdigest()
