"""Rows of a CSV, read one at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.data.containers import Archive, Folder
from automl.errors import DataError

MAX_LINE = 1 << 20
"""Characters; the longest honest line, 48 × 48 pixels, has about 9,000."""


@dataclass(frozen=True)
class Table:
    """A CSV file in a folder or a zip, with a header."""

    container: Path
    name: str

    @property
    def path(self) -> str:
        """Where it is, for messages."""
        return str(self.container / self.name)

    def columns(self) -> list[str]:
        """The header's names, in small letters, without spaces around them.

        Raises: DataError if the file cannot be read.
        """
        return self._columns(next(self._records(), (0, []))[1])

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Line number, counted from 1, and the values by column, without spaces around them.

        Raises: DataError if the file cannot be read, or a line has another number of values than the header.
        """
        records = self._records()
        columns = self._columns(next(records, (0, []))[1])
        for line, values in records:
            if len(values) != len(columns):
                raise DataError(
                    f"{self.path}:{line}: {len(values)} values for {len(columns)} columns. Repair the line."
                )
            yield line, dict(zip(columns, map(str.strip, values), strict=True))

    def _columns(self, header: list[str]) -> list[str]:
        return [name.strip().lower() for name in header]

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        container = Folder(self.container) if self.container.is_dir() else Archive(self.container)
        with container.open(self.name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(self._lines(text), skipinitialspace=True)
            try:
                for values in reader:
                    if values:
                        yield reader.line_num, values
            except csv.Error as error:
                raise DataError(f"{self.path}:{reader.line_num}: {error}. Repair the line.") from error
            except UnicodeDecodeError as error:
                raise DataError(f"{self.path}: {error}. Save it in UTF-8.") from error

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 1
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise DataError(f"{self.path}:{number}: a line of more than {MAX_LINE:,} characters is refused.")
            yield line
            number += 1
