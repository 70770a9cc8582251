from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest

from automl.data.tables import Table
from automl.errors import DataError


def table(folder: Path, content: bytes) -> Table:
    (folder / "x.csv").write_bytes(content)
    return Table(folder, "x.csv")


def test_header_and_values_lose_the_spaces_around_them(tmp_path: Path) -> None:
    read = table(tmp_path, b'\xef\xbb\xbfPath, Label\r\n a.png , "x, y"\r\n\r\nb.png,z\r\n')
    assert read.columns() == ["path", "label"]
    assert list(read.rows()) == [(2, {"path": "a.png", "label": "x, y"}), (4, {"path": "b.png", "label": "z"})]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path,label\na.png\n", ":2: 1 values for 2 columns. Repair the line."),
        (b"path,label\n" + b"x" * 10_000_000, ":2: a line of more than 1,048,576 characters is refused."),
        (b"path,label\n" + b"x" * 200_000, ":2: field larger than field limit (131072). Repair the line."),
        (b"path,label\na.png,\xff\n", "can't decode byte 0xff in position 17: invalid start byte. Save it in UTF-8."),
    ],
)
def test_damaged_and_hostile_tables_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        list(table(tmp_path, content).rows())


def test_endless_line_takes_little_memory(tmp_path: Path) -> None:
    hostile = table(tmp_path, b"path,label\n" + b"x" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            list(hostile.rows())
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
