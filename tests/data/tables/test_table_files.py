from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from automl.data.sources.references import find_source
from automl.data.tables.table_files import ROWS_AT_ONCE, Table
from automl.errors import DataError


def table(folder: Path, content: bytes) -> Table:
    (folder / "x.csv").write_bytes(content)
    return Table(folder, "x.csv")


def test_header_and_values_lose_the_spaces_around_them(tmp_path: Path) -> None:
    read = table(tmp_path, b'\xef\xbb\xbfPath, Label\r\n a.png , "x, y"\r\n\r\nb.png,z\r\n')
    assert read.columns() == ["path", "label"]
    assert list(read.rows()) == [(2, {"path": "a.png", "label": "x, y"}), (4, {"path": "b.png", "label": "z"})]


def by_pandas(read: Table) -> Iterator[tuple[int, dict[str, str]]]:
    return read.rows_by_pandas(("path", "label"))


WAYS: dict[str, Callable[[Table], Iterator[tuple[int, dict[str, str]]]]] = {"csv": Table.rows, "pandas": by_pandas}


def test_pandas_reads_the_same_rows_under_the_same_numbers(tmp_path: Path) -> None:
    rows = [f' a{number}.png , "{number % 3}"' for number in range(2 * ROWS_AT_ONCE)]
    rows[7] = "\n\n" + rows[7]
    read = table(tmp_path, "\r\n".join(["\n Path, Label", *rows, "", ""]).encode())
    found = list(by_pandas(read))
    assert found == list(read.rows())
    assert (len(found), found[7]) == (2 * ROWS_AT_ONCE, (12, {"path": "a7.png", "label": "1"}))
    assert list(read.rows_by_pandas(("label", "group")))[7] == (12, {"label": "1"})


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", ["sep=;", "sep=|", '"SEP=;"', "\ufeffsep=;", "\n\nsep=;"])
def test_line_that_says_the_separator_is_no_header(tmp_path: Path, way: str, first: str) -> None:
    mark = "|" if "|" in first else ";"
    content = f"{first}\r\npath{mark}label\r\n\r\na, b.png{mark}x\r\n"
    line = content.count("\n", 0, content.index("a, b")) + 1
    assert list(WAYS[way](table(tmp_path, content.encode()))) == [(line, {"path": "a, b.png", "label": "x"})]


@pytest.mark.parametrize("name", ["x.tsv", "x.TAB"])
def test_tabulated_table_has_tabs_whatever_its_header_holds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("path\tlabel\tsize, cm\na.png\tx, y\t1,5\n")
    assert list(Table(tmp_path, name).rows()) == [(2, {"path": "a.png", "label": "x, y", "size, cm": "1,5"})]


def test_separator_is_what_stands_most_often_in_the_header(tmp_path: Path) -> None:
    read = table(tmp_path, b'path;label;"size, cm"\na.png;"x; y";1\n')
    assert list(read.rows()) == [(2, {"path": "a.png", "label": "x; y", "size, cm": "1"})]


def test_columns_without_a_name_are_numbered(tmp_path: Path) -> None:
    read = table(tmp_path, b",Path,LABEL,,\n0,a.png,x,,\n")
    assert read.columns() == ["unnamed: 0", "path", "label", "unnamed: 3", "unnamed: 4"]
    assert read.titles()["label"] == "LABEL"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"path,label\na.png\n", ":2: 1 values for 2 columns. Repair the line."),
        (b"path,label\na.png,b\n\nc,d,e\n", ":4: 3 values for 2 columns. Repair the line."),
        (b"path,label\n" + b"x" * 10_000_000, ":2: a line of more than 131,072 characters is refused."),
        (b"path,label\na.png,\xff\n", "can't decode byte 0xff in position 17: invalid start byte. Save it in UTF-8."),
        (b"path,label,Label \na,b,c\n", " has several columns 'label'. Leave one of them."),
    ],
)
def test_damaged_and_hostile_tables_are_refused(tmp_path: Path, content: bytes, message: str, way: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        list(WAYS[way](table(tmp_path, content)))


def test_open_quote_does_not_swallow_the_file(tmp_path: Path) -> None:
    read = table(tmp_path, b'path,label\n"' + b"a,b\n" * 50_000)
    assert next(by_pandas(read)) == (2, {"path": "a", "label": "b"})
    with pytest.raises(DataError, match=re.escape(".csv:2: field larger than field limit (131072). Repair the line")):
        next(read.rows())


def test_open_quote_is_reported_with_the_line_where_it_begins(tmp_path: Path) -> None:
    read = table(tmp_path, b'path,label\na.png,"cat\nand dog"\n\nb.png,"cat\nc.png,dog\n')
    rows = read.rows()
    assert next(rows) == (2, {"path": "a.png", "label": "cat\nand dog"})
    with pytest.raises(DataError, match=re.escape(".csv:5: unexpected end of data. Repair the line: a quote may be")):
        next(rows)


@pytest.mark.parametrize("way", WAYS)
def test_endless_line_takes_little_memory(tmp_path: Path, way: str) -> None:
    hostile = table(tmp_path, b"path,label\n" + b"x" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            list(WAYS[way](hostile))
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_header_of_tens_of_thousands_of_columns_takes_no_time(tmp_path: Path) -> None:
    wide = ",".join(map(str, range(20_000)))
    (tmp_path / "x.csv").write_text(wide)
    started = time.process_time()
    with pytest.raises(DataError, match=re.escape("has the columns 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …. Expected path")):
        find_source(str(tmp_path / "x.csv"), home=tmp_path)
    assert time.process_time() - started < 2


def test_empty_table_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.csv").touch()
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'x.csv'} is empty. Expected path,label[,split]")):
        find_source(str(tmp_path / "x.csv"), home=tmp_path)
