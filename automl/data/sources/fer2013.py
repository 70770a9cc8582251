"""FER2013 as Kaggle gave it out: a CSV of `emotion`, `pixels` and mostly `Usage`, alone or in the competition's zip."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from automl.data.decoding.arrays import Pixels, header_of, write_blocks
from automl.data.disk_space import PixelFile
from automl.data.labels import FER2013, FER2013_CLASSES, FER2013_SPLITS, label_numbers, split_numbers
from automl.data.sizing import Sizing
from automl.data.source_contents import Progress, SourceContents, Written
from automl.data.split_names import SplitName
from automl.data.tables.label_values import MISSING, canonical_number
from automl.data.tables.labelled_rows import without_label
from automl.data.tables.table_files import ROWS_AT_ONCE, Table
from automl.errors import DataError

COLUMNS = frozenset(("emotion", "pixels"))
SIDE_PIXELS = 48
SHAPE_HWC = (SIDE_PIXELS, SIDE_PIXELS, 1)
MEMBERS = ("icml_face_data.csv", "fer2013.csv", "train.csv")
"""The tables of the competition's zip, the complete ones first; its test.csv has no labels."""


@dataclass(frozen=True)
class Fer2013Table:
    """The table, beside other files or in a zip."""

    path: Path
    """Path that was asked for: the CSV, or the zip."""
    table: Table
    name: str = FER2013

    @property
    def reference(self) -> str:
        """The absolute path."""
        return str(self.path)

    def identity(self) -> str:
        """Size and time of change of the file."""
        status = self.path.stat()
        return f"{status.st_size} {status.st_mtime_ns} {self.table.name}"

    def contents(self) -> SourceContents:
        """Labels in Kaggle's numbering; PublicTest is validation, PrivateTest is test.

        Raises: DataError if no row has a label, or one is unknown.
        """
        labels, splits, unlabelled = [], [], []
        for line, row in self.table.rows_by_pandas(("emotion", "usage")):
            if row["emotion"] not in MISSING:
                labels.append(self._class(line, row["emotion"]))
                splits.append(self._split(line, row.get("usage", "Training")))
            else:
                unlabelled.append(line)
        if not labels:
            raise DataError(f"{self.table.path}: no row has a label in the column emotion.")
        class_names = tuple(name for name in FER2013_CLASSES if name in set(labels))
        return SourceContents(
            images=TableImages(self.table, len(labels)),
            class_names=class_names,
            labels_M=label_numbers(labels, class_names),
            splits_M=split_numbers(splits),
            notes=without_label(unlabelled),
            name=self.name,
        )

    def _class(self, line: int, emotion: str) -> str:
        number = canonical_number(emotion)  # 3.0, where pandas has met a row without one
        if number not in map(str, range(len(FER2013_CLASSES))):
            raise DataError(
                f"{self.table.path}:{line}: emotion {emotion!r} is none of 0 to {len(FER2013_CLASSES) - 1}."
            )
        return FER2013_CLASSES[int(number)]

    def _split(self, line: int, usage: str) -> SplitName:
        if usage not in FER2013_SPLITS:
            raise DataError(f"{self.table.path}:{line}: Usage {usage!r} is none of {', '.join(FER2013_SPLITS)}.")
        return FER2013_SPLITS[usage]


@dataclass(frozen=True)
class TableImages:
    """The column `pixels` of the rows that have a label."""

    table: Table
    count: int

    def file_name(self, row: int) -> str:
        """The number of the image among those with a label."""
        return f"image {row}"

    def write(self, pixel_file: PixelFile, sizing: Sizing, *, on_progress: Progress | None = None) -> Written:
        """Read the pixels block by block."""
        header = header_of(SHAPE_HWC)
        unreadable: dict[int, str] = {}
        notes = write_blocks(self._blocks(unreadable), header, pixel_file, sizing, on_progress=on_progress)
        return Written([header] * self.count, unreadable, notes)

    def _blocks(self, unreadable: dict[int, str]) -> Iterator[Pixels]:
        """Pixels of consecutive rows; those that are none stay black, and `unreadable` learns why."""
        rows = self.table.rows_by_pandas(COLUMNS)
        texts = (row["pixels"] for _, row in rows if row["emotion"] not in MISSING)
        for first in range(0, self.count, ROWS_AT_ONCE):
            block_NHWC = np.zeros((min(ROWS_AT_ONCE, self.count - first), *SHAPE_HWC), np.uint8)
            for index, text in enumerate(itertools.islice(texts, len(block_NHWC))):
                try:
                    block_NHWC[index] = parse_pixels(text)
                except ValueError as error:
                    unreadable[first + index] = str(error)
            yield block_NHWC


def parse_pixels(text: str) -> npt.NDArray[np.uint8]:
    """48 × 48 × 1 pixels from numbers between spaces.

    Raises: ValueError if they are too few or too many, out of range, or no numbers.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = np.fromstring(text, np.int64, sep=" ")  # six times faster than int() on each
        except (ValueError, DeprecationWarning) as error:  # numpy before 2.4 only warns
            raise ValueError("a pixel value is no number") from error
    if len(values) != SIDE_PIXELS**2:
        raise ValueError(f"{len(values)} pixel values instead of {SIDE_PIXELS**2}")
    if values.min() < 0 or values.max() > 255:
        raise ValueError("a pixel value is not from 0 to 255")
    return values.astype(np.uint8).reshape(SHAPE_HWC)


def competition_table(names: Iterable[str]) -> str | None:
    """The most complete of FER2013's tables among the files of a zip."""
    by_name = {name.rpartition("/")[2]: name for name in names}
    return next((by_name[member] for member in MEMBERS if member in by_name), None)
