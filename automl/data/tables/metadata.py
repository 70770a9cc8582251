"""Tables among the images of a folder or a zip: Hugging Face's `metadata.csv`, Kaggle's `train.csv`."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from automl.data.decoding.containers import ending, is_image
from automl.data.labels import SPLIT_WORDS
from automl.data.source_contents import SourceContents
from automl.data.split_names import SplitName
from automl.data.tables.columns import choose_columns
from automl.data.tables.labelled_rows import AnyTable
from automl.data.tables.listed_images import ListedFiles
from automl.data.tables.listing import ENDINGS, NamedImages, named_images, source_contents_of, table_in
from automl.errors import DataError

METADATA = frozenset(("metadata.csv", "metadata.jsonl"))
"""Names of the tables in Hugging Face's image folders."""
FILE_NAME = "file_name"
"""Column that they must have."""
DEEPEST = 1
"""Number of folders above a table that is looked for where no image lies in a class folder."""
SAMPLE = re.compile(r"sample|test", re.IGNORECASE)
"""Beginning of the names of Kaggle's tables without true labels."""
NAMED = 5
"""Number of tables that a message names."""

Split = SplitName | None


def described(path: Path, names: Sequence[str]) -> SourceContents | None:
    """The source contents of a folder or a zip by Hugging Face's tables: its own, or those of its split folders.

    None where there is none with a label: the folders may be classes.

    Raises: DataError if such a table leads nowhere, or a row has an unknown value.
    """
    tables = [table_in(path, name) for name in names if posixpath.basename(name).lower() in METADATA]
    labelled = [table for table in tables if _has_label(table) and FILE_NAME in table.columns()]
    if not labelled:
        return None
    return _contents(path, names, [(table, _split_of_folder(table.name)) for table in labelled])


def described_by_one_table(path: Path, names: Sequence[str]) -> SourceContents | None:
    """The source contents by the only table with labels, or by those that are called train, validation and test.

    None where there is no such table, or more than one.

    Raises: DataError if the table is damaged, or leads nowhere.
    """
    tables = [table for table in _tables(path, names) if _has_label(table)]
    splits = {table: SPLIT_WORDS.get(Path(table.name).stem.lower()) for table in tables}
    if "train" in splits.values() and len({*splits.values()} - {None}) > 1:
        return _contents(path, names, [(table, split) for table, split in splits.items() if split is not None])
    tables = [table for table in tables if not SAMPLE.match(posixpath.basename(table.name))]
    return _contents(path, names, [(tables[0], None)]) if len(tables) == 1 else None


def advice_on_tables(path: Path, names: Sequence[str]) -> str:
    """What to do with the tables among images that lie in no class folders; empty where there are none."""
    tables = _tables(path, names)
    if not tables or not any(map(is_image, names)):
        return ""
    if len(tables) == 1:
        return f"\n{_problem(tables[0])}"
    more = ", …" if len(tables) > NAMED else ""
    listed = ", ".join(table.name for table in tables[:NAMED])
    return f"\nOr name the table that has their labels as the data, unpacked where it lies in a zip: {listed}{more}."


def _problem(table: AnyTable) -> str:
    try:
        choose_columns(table.columns(), where=table.path)
    except DataError as error:
        return str(error)
    return f"Or name the table that lies beside them: {table.path}."


def _tables(path: Path, names: Sequence[str]) -> list[AnyTable]:
    return [table_in(path, name) for name in names if ending(name) in ENDINGS and name.count("/") <= DEEPEST]


def _has_label(table: AnyTable) -> bool:
    try:
        return choose_columns(table.columns(), where=table.path).label is not None
    except DataError:
        return False


def _split_of_folder(name: str) -> Split:
    """The split by the folders of a table, the innermost one first."""
    words = [SPLIT_WORDS.get(part.lower()) for part in name.split("/")[:-1]]
    return next((word for word in reversed(words) if word is not None), None)


def _contents(path: Path, names: Sequence[str], tables: Sequence[tuple[AnyTable, Split]]) -> SourceContents:
    named = named_images(tables, ListedFiles(tuple(names)), where=str(path))
    used = ", ".join(table.name for table, _ in tables)
    notes = (f"labels come from {used}", *named.notes, *_aside(named, names))
    return source_contents_of(NamedImages(named.images, named.labels, notes), path)


def _aside(named: NamedImages, names: Sequence[str]) -> tuple[str, ...]:
    known = {image.name for image in named.images}
    others = [name for name in names if is_image(name) and name not in known]
    if not others:
        return ()
    return (f"{len(others)} images have no label in a table and are left aside (first: {others[0]})",)
