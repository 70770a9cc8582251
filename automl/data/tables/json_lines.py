"""A table of JSON objects, one a line: `metadata.jsonl`, as Hugging Face writes it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from automl.data.decoding.containers import UNREADABLE, Archive, Folder
from automl.data.tables.label_values import canonical_number
from automl.data.tables.table_files import MAX_LINE
from automl.errors import DataError


class Nested(str):
    """The text of a list or an object: it is neither a path nor a label."""

    __slots__ = ()


@dataclass(frozen=True)
class JsonLines:
    """A `.jsonl` file in a folder or a zip."""

    container: Path
    name: str

    @property
    def path(self) -> str:
        """Where it is, for messages."""
        return str(self.container / self.name)

    def columns(self) -> list[str]:
        """The keys of the first object, in small letters.

        Raises: DataError if the file cannot be read.
        """
        return list(next(self.rows(), (0, {}))[1])

    def titles(self) -> dict[str, str]:
        """The keys of the first object as they are written, by those of `columns`."""
        first = next(self._objects(), (0, {}))[1]
        return {key.strip().lower(): key.strip() for key in first}

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """The number of the line, counted from 1, and the values by key; null is empty, 2.0 is 2.

        Raises: DataError if the file cannot be read, or a line is no object.
        """
        for line, found in self._objects():
            yield line, {key.strip().lower(): _text_of(value) for key, value in found.items()}

    def _objects(self) -> Iterator[tuple[int, dict[str, object]]]:
        for number, line in enumerate(self._lines(), start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(f"{self.path}:{number}: {error}. Write one JSON object a line.") from error
            if not isinstance(found, dict):
                raise DataError(f"{self.path}:{number}: this is no JSON object. Write one a line.")
            yield number, found

    def _lines(self) -> Iterator[str]:
        container = Folder(self.container) if self.container.is_dir() else Archive(self.container)
        try:
            with container.open(self.name) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
                while line := text.readline(MAX_LINE):
                    if len(line) == MAX_LINE:
                        raise DataError(f"{self.path}: a line of more than {MAX_LINE:,} characters is refused.")
                    yield line
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: {error}. Save it in UTF-8.") from error
        except UNREADABLE as error:
            raise DataError(f"Cannot read {self.path}: {getattr(error, 'strerror', None) or error}.") from error


def _text_of(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return Nested(json.dumps(value))
    return canonical_number(repr(value)) if isinstance(value, float) else str(value).strip()
