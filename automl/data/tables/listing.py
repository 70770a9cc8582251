"""Images that are named by tables: a CSV `path,label[,split][,group]`, or Hugging Face's `metadata.csv` in a folder."""

from __future__ import annotations

import hashlib
import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.decoding.containers import ending
from automl.data.labels import class_names_of, label_numbers, split_numbers
from automl.data.source_contents import SourceContents
from automl.data.split_names import SplitName
from automl.data.tables.json_lines import JsonLines
from automl.data.tables.label_values import unify_labels
from automl.data.tables.labelled_rows import AnyTable, LabelledRow, left_out, read_labelled_rows
from automl.data.tables.listed_images import FilesOnDisk, ImageFiles
from automl.data.tables.lookup import Lookup
from automl.data.tables.table_files import Table
from automl.errors import DataError

JSON_ENDINGS = frozenset((".jsonl", ".ndjson"))
ENDINGS = frozenset((".csv", ".tsv", ".tab")) | JSON_ENDINGS
"""Endings of tables."""


@dataclass(frozen=True)
class NamedImage:
    """One image."""

    table: AnyTable
    record: LabelledRow
    name: str
    """Name by which the container opens it."""

    @property
    def where(self) -> str:
        """Table and line, for messages."""
        return f"{self.table.path}:{self.record.line}"


@dataclass(frozen=True)
class NamedImages:
    """The images of one or more tables, each once."""

    images: tuple[NamedImage, ...]
    labels: tuple[str, ...]
    """Class names."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Image files named by a table; relative paths start at its folder."""

    path: Path

    @property
    def name(self) -> str:
        """The table's, without its ending."""
        return self.path.stem

    @property
    def reference(self) -> str:
        """The table's absolute path."""
        return str(self.path)

    @cached_property
    def _named(self) -> NamedImages:
        table = table_in(self.path.parent, self.path.name)
        return named_images([(table, None)], FilesOnDisk(self.path.parent), where=str(self.path))

    def identity(self) -> str:
        """The table's text, and sizes and times of change of the images.

        Raises: DataError if the table cannot be read, or leads nowhere.
        """
        named = self._named
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        for image in named.images:
            digest.update(self._stamp(image.name).encode(errors="surrogateescape"))
        return digest.hexdigest()

    def contents(self) -> SourceContents:
        """Labels, and splits and groups where the table has them.

        Raises: DataError as `named_images` does.
        """
        return source_contents_of(self._named, self.path.parent)

    def _stamp(self, path: str) -> str:
        try:
            status = os.stat(os.path.join(self.path.parent, path))  # noqa: PTH116, PTH118 as in FilesOnDisk
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            return f"{path}\0{error}\0"
        return f"{path}\0{status.st_size} {status.st_mtime_ns}\0"


def table_in(container: Path, name: str) -> AnyTable:
    """The table of this name in a folder or a zip."""
    return (JsonLines if ending(name) in JSON_ENDINGS else Table)(container, name)


def named_images(tables: Sequence[tuple[AnyTable, SplitName | None]], files: ImageFiles, *, where: str) -> NamedImages:
    """Read tables, each with the split of all its images where its name or folder tells it.

    `where`: the source, for messages.

    Raises: DataError if a table cannot be read, is in doubt or leads nowhere, or two rows contradict each other.
    """
    images: list[NamedImage] = []
    notes: list[str] = []
    for table, split in tables:
        found, own_notes = _images_of(table, split, files)
        images += found
        notes += own_notes if len(tables) == 1 else [f"{table.name}: {note}" for note in own_notes]
    unified = unify_labels((image.record.label for image in images), where=where)
    kept, repeated = _once(images, [unified.names[image.record.label] for image in images])
    labels = tuple(unified.names[image.record.label] for image in kept)
    notes += [*unified.notes, *left_out("that repeat an earlier one", repeated)]
    return NamedImages(tuple(kept), labels, tuple(notes))


def source_contents_of(named: NamedImages, container: Path) -> SourceContents:
    """Labels, splits and groups of the images, which are files of the container."""
    from automl.data.decoding.decoder import EncodedImages  # Pillow and the process pool: the cache does without

    class_names = class_names_of(named.labels)
    return SourceContents(
        images=EncodedImages(container, tuple(image.name for image in named.images)),
        class_names=class_names,
        labels_M=label_numbers(named.labels, class_names),
        splits_M=split_numbers(image.record.split for image in named.images),
        groups_M=_groups([image.record.group for image in named.images]),
        notes=named.notes,
    )


def _images_of(table: AnyTable, split: SplitName | None, files: ImageFiles) -> tuple[list[NamedImage], list[str]]:
    records = read_labelled_rows(table, split=split)
    base = table.name[: len(table.name) - len(posixpath.basename(table.name))]
    paths = [record.path for record in records.records]
    located = Lookup(paths, files, base, table.path, records.records[0].line).locate()
    named = [NamedImage(table, record, name) for record, name in zip(records.records, located.names, strict=True)]
    return named, [*located.notes, *records.notes]


def _once(images: Sequence[NamedImage], labels: Sequence[str]) -> tuple[list[NamedImage], list[int]]:
    """Images that are named for the first time, and the lines of the others: a copy may end in another split.

    Raises: DataError if two rows contradict each other.
    """
    first: dict[str, tuple[NamedImage, str]] = {}
    repeated = []
    for image, label in zip(images, labels, strict=True):
        earlier, earlier_label = first.setdefault(posixpath.normpath(image.name), (image, label))
        if earlier is image:
            continue
        record, other = image.record, earlier.record
        if (label, record.split, record.group) != (earlier_label, other.split, other.group):
            raise DataError(
                f"{image.where}: {_line(earlier, image)} says otherwise of {record.path!r}. Keep one of them."
            )
        repeated.append(record.line)
    return [image for image, _ in first.values()], repeated


def _line(earlier: NamedImage, later: NamedImage) -> str:
    return f"line {earlier.record.line}" if earlier.table == later.table else earlier.where


def _groups(groups: Sequence[str | None]) -> npt.NDArray[np.int64] | None:
    if all(group is None for group in groups):
        return None
    # an image without a group is a group of its own
    names = [group or f"\0{number}" for number, group in enumerate(groups)]
    return label_numbers(names, sorted(set(names)))
