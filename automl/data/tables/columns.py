"""Which columns of a table are the path, the label, the split and the group of an image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from automl.data.decoding.containers import is_image
from automl.errors import DataError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PATHS: Sequence[frozenset[str]] = (
    _words("path"),
    _words("file_name filename"),
    _words(
        "filenames filepath file_path filepaths file_paths file files image images img image_path img_path image_name "
        "imagename img_name image_file img_file image_filename paths fname relative_path rel_path"
    ),
    _words("image_id img_id imageid id_code id name"),
)
"""Names of the path's column; an earlier set goes before a later one, the members of one are in doubt."""
LABELS: Sequence[frozenset[str]] = (
    _words("label"),
    _words(
        "labels class classes class_name classname class_label label_name category target targets diagnosis dx breed "
        "species emotion expression level"
    ),
    _words("class_id classid class_index class_idx label_id category_id target_id y"),
)
SPLITS_CALLED = _words(
    "split_name splits split_type data_split dataset_split data_set dataset set subset partition phase usage fold "
    "folds kfold is_train is_test is_training is_validation"
)
"""Names of columns that look like a split; they are read where all values are words of splits."""
IS_VALID = frozenset(("is_valid", "isvalid"))
"""Fastai's column: True is validation, False is train."""
GROUPS_CALLED = _words(
    "groups group patient subject person participant individual identity user donor animal lesion study case scan "
    "slide video session series sequence burst plot tree site hospital mrn"
)
"""Names of columns that look like a group, also with `_id`, `id`, `_name`, `_no` or `_number` behind."""
BEHIND = re.compile(r"_?(id|ids|name|no|nr|number|uid|code)$")
NAMED = 10
"""Number of columns that a message names."""
EXPECTED = "Expected path,label[,split][,group] or emotion,pixels."


@dataclass(frozen=True)
class Columns:
    """The names of the columns that mean something."""

    path: str
    label: str | None
    """Column of the label; None where the other columns may be one-hot labels."""
    split: str | None
    is_valid: str | None
    group: str | None
    others: tuple[str, ...]
    """Columns that are not read, without those that a program has numbered."""
    one_hot: tuple[str, ...] = ()
    """Columns of which each is a class, and one of each row is 1."""


def choose_columns(names: Sequence[str], *, where: str) -> Columns:
    """Find the columns by their names, in small letters.

    Raises: DataError if none is the path or the label, or several may be, with the columns and what to call them.
    """
    path = _one_of(PATHS, names, meaning="path", of="the path of an image", where=where)
    if path is None:
        raise DataError(f"{_seen(names, where)}{_no_header(names)} No column is known as the path of an image.")
    label = _one_of(LABELS, names, meaning="label", of="the label", where=where)
    split = "split" if "split" in names else None
    is_valid = next((name for name in names if plain_name(name) in IS_VALID), None) if split is None else None
    group = "group" if "group" in names else None
    used = {path, label, split, is_valid, group}
    others = tuple(name for name in names if name not in used and not name.startswith("unnamed: "))
    if label is None and len(others) < 2:
        raise no_label(names, path, where=where)
    return Columns(path, label, split, is_valid, group, others)


def no_label(names: Sequence[str], path: str, *, where: str) -> DataError:
    """The error where no column is the label."""
    return DataError(
        f"{_seen(names, where)} The path is in {path!r}, but no column is known as the label: call it 'label'."
    )


def unread_notes(columns: Iterable[str]) -> tuple[str, ...]:
    """Say which columns are not read, and what those would do that look like a group or a split."""
    unread = list(columns)
    if not unread:
        return ()
    note = f"columns that are not read: {_some(unread)}"
    groups = [name for name in unread if _is_group(name)]
    splits = [name for name in unread if plain_name(name) in SPLITS_CALLED]
    if groups:
        look = "looks like a group" if len(groups) == 1 else "look like groups"
        note += (
            f"; {' and '.join(map(repr, groups))} {look}: images of one may lie in several splits, and flatter the "
            "accuracy. Call the right one 'group' to keep them together"
        )
    if splits:
        note += f"; {splits[0]!r} looks like a split: call it 'split', with the words train, validation and test in it"
    return (note,)


def _one_of(known: Sequence[frozenset[str]], names: Sequence[str], *, meaning: str, of: str, where: str) -> str | None:
    for tier in known:
        found = [name for name in names if plain_name(name) in tier]
        if len(found) > 1:
            raise DataError(
                f"{_seen(names, where)} {' and '.join(map(repr, found))} may each be {of}: "
                f"call the right one {meaning!r}."
            )
        if found:
            return found[0]
    return None


def _is_group(name: str) -> bool:
    plain = plain_name(name)
    return plain in GROUPS_CALLED or BEHIND.sub("", plain) in GROUPS_CALLED


def plain_name(name: str) -> str:
    """A column's name with underscores for its blanks, points and hyphens."""
    return re.sub(r"[\s.-]+", "_", name)


def _seen(names: Sequence[str], where: str) -> str:
    return f"{where} has the columns {_some(names)}. {EXPECTED}"


def _no_header(names: Sequence[str]) -> str:
    return " Its first line looks like an image's, not like a header." if any(map(is_image, names)) else ""


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
