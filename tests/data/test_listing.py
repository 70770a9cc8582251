from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from automl.data.dataset import SPLITS
from automl.data.loading import load_data_set
from automl.errors import DataError
from tests.data.pictures import save_picture


def listed(folder: Path, header: str, rows: Sequence[str]) -> str:
    """Write the table and a picture for each of its rows."""
    for seed, row in enumerate(rows):
        save_picture(folder / row.partition(",")[0], seed=seed)
    (folder / "labels.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return str(folder / "labels.csv")


def test_labels_come_from_the_table(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label", [f"images/{number}.png,{'ab'[number % 2]}" for number in range(20)])
    data = load_data_set(path, home=tmp_path)
    assert (data.name, data.class_names) == ("labels", ("a", "b"))
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, split.rows_N % 2)


def test_splits_come_from_the_table(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{('train', 'Val', 'test')[number // 4]}" for number in range(12)]
    data = load_data_set(listed(tmp_path, "path,label,split", rows), home=tmp_path)
    assert [data.splits[split].rows_N.tolist() for split in SPLITS] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_group_never_crosses_splits(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},person{number // 4}" for number in range(80)]
    data = load_data_set(listed(tmp_path, "path,label,group", rows), home=tmp_path)
    groups = [{row // 4 for row in split.rows_N.tolist()} for split in data.splits.values()]
    assert len(set.union(*groups)) == sum(map(len, groups)) == 20
    assert [len(data.splits[split]) for split in SPLITS] == [64, 8, 8]


def test_images_without_a_group_are_groups_of_their_own(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]}," for number in range(40)]
    data = load_data_set(listed(tmp_path, "path,label,group", rows), home=tmp_path)
    assert [data.class_counts(split).tolist() for split in SPLITS] == [[16, 16], [2, 2], [2, 2]]


def test_given_splits_that_divide_a_group_are_refused(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{('train', 'test')[number // 4]},{number % 4}" for number in range(8)]
    path = listed(tmp_path, "path,label,split,group", rows)
    message = f"{path}: 4 groups have images in several of the given splits, so the validation would flatter the model."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(path, home=tmp_path)


def test_rows_without_a_label_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'' if number == 3 else 'ab'[number % 2]}" for number in range(20)]
    data = load_data_set(listed(tmp_path, "path,label", rows), home=tmp_path)
    assert data.notes[0] == "1 rows without a label are left out (lines 5)"
    assert sum(len(split) for split in data.splits.values()) == 19


def test_changed_image_is_read_anew(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label", [f"{number}.png,{'ab'[number % 2]}" for number in range(20)])
    before = load_data_set(path, home=tmp_path).fingerprint
    save_picture(tmp_path / "0.png", seed=99)
    assert load_data_set(path, home=tmp_path).fingerprint != before


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = listed(tmp_path, "file,class", ["a.png,b"])
    message = f"{path} has the columns file, class. Expected path,label[,split][,group] or emotion,pixels."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(path, home=tmp_path)
