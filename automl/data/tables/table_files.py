"""A CSV, read row by row, or by pandas in blocks of rows; either way in bounded memory, whatever the file holds."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter, deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from automl.data.decoding.containers import UNREADABLE, Archive, Folder, ending
from automl.errors import DataError

MAX_LINE = 1 << 17
"""Characters; the longest honest line, 48 × 48 pixels, has about 9,000. A block of rows is bounded by it, too."""
ROWS_AT_ONCE = 500
SEPARATORS = (",", ";", "\t", "|")
TABULATED = frozenset((".tsv", ".tab"))
"""Endings of tables that have tabs between their values, whatever else stands in the header."""
SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(.)"?\s*', re.IGNORECASE)
"""First line that names the separator: Excel reads it, and many a program writes it."""


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

        Raises: DataError if the file cannot be read, or two columns have one name.
        """
        return self._columns(next(self._records(), (0, []))[1])

    def titles(self) -> dict[str, str]:
        """The header's names as they are written, by those of `columns`."""
        header = next(self._records(), (0, []))[1]
        return {name.strip().lower(): name.strip() for name in header}

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The number of its first line, counted from 1, and the values by column, without spaces around them.

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

    def rows_by_pandas(self, wanted: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
        """The same with the wanted columns only, read by pandas in blocks.

        A quoted value may hold neither a comma nor the end of a line: where one might, use `rows`.

        Raises: DataError as `rows` does.
        """
        import pandas as pd  # 0.5 s, and the cache does without

        columns = self.columns()
        with self._text() as text:
            separator, text_lines = self._separated(text)
            lines = _Lines(text_lines, self.path, len(columns), separator)
            blocks = pd.read_csv(
                lines,
                sep=separator,
                names=columns,
                header=0,
                usecols=[column for column in columns if column in wanted],
                dtype=str,
                keep_default_na=False,
                quoting=csv.QUOTE_NONE,  # an open quote would swallow the rest of the file
                index_col=False,
                chunksize=ROWS_AT_ONCE,
            )
            lines.numbers.popleft()  # the header's
            for block in blocks:
                for row in block.to_dict("records"):
                    yield lines.numbers.popleft(), {str(name): value.strip(' "\t') for name, value in row.items()}

    def _columns(self, header: list[str]) -> list[str]:
        # As pandas calls a column without a name: its own index, or what a spreadsheet left at the end of each line.
        columns = [name.strip().lower() or f"unnamed: {number}" for number, name in enumerate(header)]
        for name, count in Counter(columns).items():
            if count > 1:
                raise DataError(f"{self.path} has several columns {name!r}. Leave one of them.")
        return columns

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        with self._text() as text:
            separator, lines = self._separated(text)
            # Strict, as a quote that is never closed would make one value of all the lines after it.
            reader, first = csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True), 1
            try:
                for values in reader:
                    if values:
                        yield first, values
                    first = reader.line_num + 1
            except csv.Error as error:
                raise DataError(f"{self.path}:{first}: {error}. Repair the line: a quote may be open.") from error

    @contextmanager
    def _text(self) -> Iterator[io.TextIOWrapper]:
        container = Folder(self.container) if self.container.is_dir() else Archive(self.container)
        try:
            with container.open(self.name) as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
                yield text
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: {error}. Save it in UTF-8.") from error
        except UNREADABLE as error:
            raise DataError(f"Cannot read {self.path}: {getattr(error, 'strerror', None) or error}.") from error

    def _separated(self, text: io.TextIOWrapper) -> tuple[str, Iterator[str]]:
        """What stands between the values, and all lines."""
        is_named, separator, lines = _separator_of(self._lines(text))
        return ("\t" if ending(self.name) in TABULATED and not is_named else separator), lines

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 1
        while line := text.readline(MAX_LINE):
            if len(line) == MAX_LINE:
                raise DataError(f"{self.path}:{number}: a line of more than {MAX_LINE:,} characters is refused.")
            yield line
            number += 1


def _separator_of(lines: Iterator[str]) -> tuple[bool, str, Iterator[str]]:
    """Whether the file names it, the separator (else the most frequent in the header), and all the lines again.

    Many a spreadsheet writes `;`. A line `sep=;` becomes an empty one, so that the numbers of the others stay.
    """
    before: list[str] = []
    for line in lines:
        if not any(map(str.strip, before)) and (named := SEPARATOR_LINE.fullmatch(line)):
            return True, named[1], itertools.chain(before, ["\n"], lines)
        before.append(line)
        if line.strip():
            break
    header = before[-1] if before else ""
    separator = max(SEPARATORS, key=header.count)
    return False, separator, itertools.chain(before, lines)


class _Lines(io.TextIOBase):
    """What pandas reads from: lines that are not empty, none of them too short, which pandas would fill up.

    `numbers` are those of the rows that were read and not yet taken.
    """

    def __init__(self, lines: Iterator[str], path: str, columns: int, separator: str) -> None:
        self._lines = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
        self._path, self._columns, self._separator = path, columns, separator
        self.numbers: deque[int] = deque()

    @override
    def read(self, size: int | None = -1, /) -> str:
        """The next line, whatever the size; nothing at the end."""
        number, line = next(self._lines, (0, ""))
        values = line.count(self._separator) + 1
        if line and values != self._columns:
            raise DataError(f"{self._path}:{number}: {values} values for {self._columns} columns. Repair the line.")
        self.numbers.append(number)
        return line
