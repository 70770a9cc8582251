"""A CSV `path,label[,split][,group]` beside the images."""

from __future__ import annotations

import hashlib
import os.path
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.source_contents import Contents
from automl.data.sources.labels import class_names_of, is_number, label_numbers, split_numbers, split_of
from automl.data.sources.tables import Table
from automl.errors import DataError
from automl.sanitize import one_line

COLUMNS = frozenset(("path", "label"))
MEANING = ("label", "split", "group")
"""Columns that rows of one image have to agree on."""
LISTED = 5
"""Lines that a note names."""
NO_NUMBER = "nan"
"""What numpy writes for a number that is missing."""

Row = dict[str, str]
NumberedRow = tuple[int, Row]
"""With its line."""


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
    def _rows(self) -> list[NumberedRow]:
        return list(self._read())

    def identity(self) -> str:
        """The table's text, and sizes and times of change of the images.

        Raises: DataError if the table cannot be read.
        """
        rows = self._rows
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        for _, row in rows:
            digest.update(self._stamp(row["path"]).encode(errors="surrogateescape"))
        return digest.hexdigest()

    def contents(self) -> Contents:
        """Labels, and splits and groups where the table has them.

        Raises: DataError if no row has a label, a split is unknown, or two rows contradict each other.
        """
        from automl.data.decoding.decoder import EncodedImages  # Pillow and the process pool: the cache does without

        labelled, unlabelled = _by_label(self._rows)
        if not labelled:
            raise DataError(f"{self.path}: no row has a label.")
        rows, repeated = self._once(labelled)
        labels = [row["label"] for _, row in rows]
        class_names = class_names_of(labels)
        return Contents(
            images=EncodedImages(self.path.parent, tuple(row["path"] for _, row in rows)),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(
                split_of(row.get("split", "train"), where=f"{self.path}:{line}") for line, row in rows
            ),
            groups_M=self._groups([row for _, row in rows]),
            notes=(*without_label(unlabelled), *_left_out("that repeat an earlier one", repeated)),
        )

    def _read(self) -> Iterator[NumberedRow]:
        for line, row in Table(self.path.parent, self.path.name).rows():
            if not row["path"]:
                raise DataError(f"{self.path}:{line}: there is no path. Repair the line.")
            yield line, row | {"path": self._here(row["path"]), "label": one_line(row["label"])}

    def _here(self, path: str) -> str:
        """The path; with slashes, where a backslash can only be Windows'."""
        return path.replace("\\", "/") if "\\" in path and not (self.path.parent / path).exists() else path

    def _once(self, rows: list[NumberedRow]) -> tuple[list[NumberedRow], list[int]]:
        """Rows that name an image for the first time, and the lines of the others: a copy may end in another split.

        Raises: DataError if two rows say different things of one image.
        """
        first: dict[str, NumberedRow] = {}
        repeated = []
        for line, row in rows:
            earlier, said = first.setdefault(os.path.normpath(self.path.parent / row["path"]), (line, row))
            if earlier == line:
                continue
            if any(row.get(column) != said.get(column) for column in MEANING):
                raise DataError(
                    f"{self.path}:{line}: line {earlier} says otherwise of {row['path']!r}. Keep one of them."
                )
            repeated.append(line)
        return list(first.values()), repeated

    def _groups(self, rows: list[Row]) -> npt.NDArray[np.int64] | None:
        if "group" not in rows[0]:
            return None
        # an image without a group is a group of its own
        names = [row["group"] or f"\0{number}" for number, row in enumerate(rows)]
        return label_numbers(names, sorted(set(names)))

    def _stamp(self, path: str) -> str:
        try:
            status = (self.path.parent / path).stat()
        except (OSError, ValueError) as error:  # ValueError: a null character in the path
            return f"{path}\0{error}\0"
        return f"{path}\0{status.st_size} {status.st_mtime_ns}\0"


def _by_label(rows: list[NumberedRow]) -> tuple[list[NumberedRow], list[int]]:
    """Rows with a label, and the lines of those without: empty, or nan where all the others are numbers."""
    none = {"", *(label for _, row in rows if (label := row["label"]).lower() == NO_NUMBER)}
    if not all(is_number(row["label"]) for _, row in rows if row["label"] not in none):
        none = {""}
    return [(line, row) for line, row in rows if row["label"] not in none], [
        line for line, row in rows if row["label"] in none
    ]


def without_label(lines: list[int]) -> tuple[str, ...]:
    """The note on rows that have none."""
    return _left_out("without a label", lines)


def _left_out(which: str, lines: list[int]) -> tuple[str, ...]:
    if not lines:
        return ()
    more = ", …" if len(lines) > LISTED else ""
    return (f"{len(lines)} rows {which} are left out (lines {', '.join(map(str, lines[:LISTED]))}{more})",)
