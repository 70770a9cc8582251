"""A CSV `path,label[,split][,group]` beside the images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.contents import Contents
from automl.data.labels import class_names_of, label_numbers, split_numbers, split_of
from automl.data.tables import Table
from automl.errors import DataError

COLUMNS = frozenset(("path", "label"))
LISTED = 5
"""Lines that a note names."""


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
    def _rows(self) -> list[tuple[int, dict[str, str]]]:
        return list(Table(self.path.parent, self.path.name).rows())

    def identity(self) -> str:
        """The table's text, and sizes and times of change of the images.

        Raises: DataError if the table cannot be read.
        """
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        for _, row in self._rows:
            digest.update(self._stamp(row["path"]).encode())
        return digest.hexdigest()

    def contents(self) -> Contents:
        """Labels, and splits and groups where the table has them.

        Raises: DataError if no row has a label, or a split is unknown.
        """
        from automl.data.decoding import EncodedImages  # Pillow and the process pool: the cache does without

        rows = [(line, row) for line, row in self._rows if row["label"]]
        if not rows:
            raise DataError(f"{self.path}: no row has a label.")
        labels = [row["label"] for _, row in rows]
        class_names = class_names_of(labels)
        return Contents(
            images=EncodedImages(self.path.parent, tuple(row["path"] for _, row in rows)),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(split_of(row.get("split", "train")) for _, row in rows),
            groups_M=self._groups([row for _, row in rows]),
            notes=without_label([line for line, row in self._rows if not row["label"]]),
        )

    def _groups(self, rows: list[dict[str, str]]) -> npt.NDArray[np.int64] | None:
        if "group" not in rows[0]:
            return None
        # an image without a group is a group of its own
        names = [row["group"] or f"\0{number}" for number, row in enumerate(rows)]
        return label_numbers(names, sorted(set(names)))

    def _stamp(self, path: str) -> str:
        try:
            status = (self.path.parent / path).stat()
        except OSError as error:
            return f"{path}\0{error.errno}\0"
        return f"{path}\0{status.st_size} {status.st_mtime_ns}\0"


def without_label(lines: list[int]) -> tuple[str, ...]:
    """The note on rows that have none."""
    if not lines:
        return ()
    more = ", …" if len(lines) > LISTED else ""
    return (f"{len(lines)} rows without a label are left out (lines {', '.join(map(str, lines[:LISTED]))}{more})",)
