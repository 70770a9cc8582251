"""The rows of a table as images: path, label, split and group, whatever the columns are called."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from automl.data.labels import SPLIT_WORDS, normalize_label, split_of
from automl.data.split_names import SplitName
from automl.data.tables.columns import SPLITS_CALLED, Columns, choose_columns, no_label, plain_name, unread_notes
from automl.data.tables.json_lines import JsonLines, Nested
from automl.data.tables.label_values import MISSING, TRUTHS, canonical_number, check_doubtful, missing_labels
from automl.data.tables.table_files import Table
from automl.errors import DataError

LISTED = 5
"""Number of lines and columns that a note names."""

AnyTable = Table | JsonLines
Row = dict[str, str]
NumberedRow = tuple[int, Row]
"""A row with its line."""


@dataclass(frozen=True)
class LabelledRow:
    """One image of a table."""

    line: int
    path: str
    label: str
    split: SplitName
    group: str | None
    """Group of the image; None where the table has no groups, empty where the image has none."""


@dataclass(frozen=True)
class LabelledRows:
    """The rows of a table that have a label, in its order."""

    table: AnyTable
    records: tuple[LabelledRow, ...]
    notes: tuple[str, ...]


def read_labelled_rows(table: AnyTable, *, split: SplitName | None = None) -> LabelledRows:
    """Read a table; `split`: of all its images, where its name or folder tells it.

    Raises: DataError if the table cannot be read, its columns are in doubt, or a row has an unknown value.
    """
    names = table.columns()
    columns = choose_columns(names, where=table.path)
    rows = list(table.rows())
    if columns.label is None:
        rows, columns = _from_one_hot(table, names, rows, columns)
    columns = _with_split(columns, rows, given=split)
    labels = [_label(table, line, row, columns) for line, row in rows]
    missing = missing_labels(labels)
    kept = [(line, row, label) for (line, row), label in zip(rows, labels, strict=True) if label not in missing]
    if not kept:
        raise DataError(f"{table.path}: no row has a label.")
    check_doubtful([label for *_, label in kept], where=table.path, named=lambda index: f"line {kept[index][0]}")
    unlabelled = [line for (line, _), label in zip(rows, labels, strict=True) if label in missing]
    notes = (*_meaning(columns), *without_label(unlabelled, missing), *unread_notes(columns.others))
    records = [_record(table, line, row, label, columns, split) for line, row, label in kept]
    return LabelledRows(table, tuple(records), notes)


def _record(table: AnyTable, line: int, row: Row, label: str, columns: Columns, split: SplitName | None) -> LabelledRow:
    group = None if columns.group is None else _group(row.get(columns.group, ""))
    return LabelledRow(line, row[columns.path], label, split or _split(table, line, row, columns), group)


def without_label(lines: Sequence[int], words: Iterable[str] = ()) -> tuple[str, ...]:
    """The note on rows that have none; `words`: what some rows have for a label."""
    written = sorted(set(words) - {""})
    return left_out(f"without a label ({', '.join(written)})" if written else "without a label", lines)


def left_out(which: str, lines: Sequence[int]) -> tuple[str, ...]:
    """The note on rows that are not read, with the first of their lines."""
    if not lines:
        return ()
    more = ", …" if len(lines) > LISTED else ""
    return (f"{len(lines)} rows {which} are left out (lines {', '.join(map(str, lines[:LISTED]))}{more})",)


def _label(table: AnyTable, line: int, row: Row, columns: Columns) -> str:
    """The label of a row; empty where there is none.

    Raises: DataError if it is no word, or the row has no path.
    """
    path, label = row.get(columns.path), row.get(columns.label or "", "")
    if not path or isinstance(path, Nested):
        raise DataError(f"{table.path}:{line}: there is no path. Repair the line.")
    if isinstance(label, Nested):
        raise DataError(f"{table.path}:{line}: the label is a list or an object. Write one word or number.")
    return normalize_label(label)


def _group(group: str) -> str:
    """Equal numbers are one group, which keeps images together that may belong together."""
    return "" if group in MISSING else canonical_number(normalize_label(group))


def _from_one_hot(
    table: AnyTable, names: Sequence[str], rows: Sequence[NumberedRow], columns: Columns
) -> tuple[list[NumberedRow], Columns]:
    """Read the columns with nothing but 0 and 1 as one-hot labels: their titles are the classes.

    Raises: DataError if there are fewer than two of them, or a row has not one 1.
    """
    if any(isinstance(row.get(name, ""), Nested) for _, row in rows for name in columns.others):
        raise no_label(names, columns.path, where=table.path)
    hot = [name for name in columns.others if rows and all(_truth(row.get(name, "")) is not None for _, row in rows)]
    hot = [name for name in hot if plain_name(name) not in SPLITS_CALLED]
    if len(hot) < 2:
        raise no_label(names, columns.path, where=table.path)
    titles, labelled = table.titles(), []
    for line, row in rows:
        true = [name for name in hot if _truth(row.get(name, ""))]
        if len(true) != 1:
            raise DataError(
                f"{table.path}:{line}: {len(true)} of the columns {_some(hot)} are 1. A classifier takes one class an "
                "image. Write it into a column 'label', or leave the line out."
            )
        labelled.append((line, row | {"label": titles[true[0]]}))
    others = tuple(name for name in columns.others if name not in hot)
    return labelled, dataclasses.replace(columns, label="label", others=others, one_hot=tuple(hot))


def _with_split(columns: Columns, rows: Sequence[NumberedRow], *, given: SplitName | None) -> Columns:
    """Columns with the split, if there is one that only looks like it, and has nothing but known splits."""
    if given is not None:
        unread = tuple(name for name in (columns.split, columns.is_valid) if name is not None)
        return dataclasses.replace(columns, split=None, is_valid=None, others=(*columns.others, *unread))
    found = [name for name in columns.others if plain_name(name) in SPLITS_CALLED]
    if columns.split or columns.is_valid or len(found) != 1:
        return columns
    if not all(row.get(found[0], "").strip().lower() in SPLIT_WORDS for _, row in rows):
        return columns
    others = tuple(name for name in columns.others if name != found[0])
    return dataclasses.replace(columns, split=found[0], others=others)


def _split(table: AnyTable, line: int, row: Mapping[str, str], columns: Columns) -> SplitName:
    if columns.split is not None:
        return split_of(row.get(columns.split, ""), where=f"{table.path}:{line}")
    if columns.is_valid is None:
        return "train"
    truth = _truth(row.get(columns.is_valid, ""))
    if truth is None:
        value = row.get(columns.is_valid, "")
        raise DataError(
            f"{table.path}:{line}: {columns.is_valid} {value!r} is neither True nor False. Repair the line."
        )
    return "validation" if truth else "train"


def _truth(value: str) -> bool | None:
    """Of True and False, and 1 and 0 in any form."""
    known = TRUTHS.get(value.strip().lower())
    if known is not None:
        return known == "True"
    try:
        return {0.0: False, 1.0: True}.get(float(value))
    except ValueError:
        return None


def _meaning(columns: Columns) -> tuple[str, ...]:
    """The note on columns that were read under other names than ours."""
    pairs = ((columns.path, "path"), (columns.label, "label"), (columns.split or columns.is_valid, "split"))
    read = [f"{theirs!r} is the {ours}" for theirs, ours in pairs if theirs is not None and theirs != ours]
    if columns.one_hot:
        read.append(f"{_some(columns.one_hot)} are one-hot labels")
    return (f"columns by their names: {', '.join(read)}",) if read else ()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
