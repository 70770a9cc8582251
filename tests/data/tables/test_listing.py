from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from automl.data.loading import load_data_set
from automl.data.source_contents import SourceContents
from automl.data.sources.references import find_source
from automl.data.split_names import SPLITS
from automl.errors import DataError
from tests.data.pictures import save_picture


def listed(folder: Path, header: str, rows: Sequence[str]) -> str:
    """Write the table and a picture for each of its rows."""
    for seed, row in enumerate(rows):
        save_picture(folder / row.partition(",")[0], seed=seed)
    (folder / "labels.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    return str(folder / "labels.csv")


def read(path: str) -> SourceContents:
    """Labels and notes of a table, without the pixels."""
    return find_source(path, home=Path()).contents()


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


def test_path_that_stands_twice_counts_once(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]}" for number in range(20)]
    path = listed(tmp_path, "path,label", rows)
    once = load_data_set(path, home=tmp_path)
    Path(path).write_text("\n".join(["path,label", *rows, "./3.png,b", rows[0]]))
    twice = load_data_set(path, home=tmp_path)
    assert twice.fingerprint == once.fingerprint
    assert twice.notes[0] == "2 rows that repeat an earlier one are left out (lines 22, 23)"


def test_columns_without_a_meaning_may_differ_where_a_path_stands_twice(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{number}" for number in range(20)]
    data = load_data_set(listed(tmp_path, "path,label,xmin", [*rows, "3.png,b,7"]), home=tmp_path)
    assert data.notes[:2] == (
        "columns that are not read: xmin",
        "1 rows that repeat an earlier one are left out (lines 22)",
    )


def test_path_with_two_labels_is_refused(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label", ["0.png,a", "1.png,b", "0.png,b"])
    with pytest.raises(DataError, match=re.escape(f"{path}:4: line 2 says otherwise of '0.png'. Keep one of them.")):
        load_data_set(path, home=tmp_path)


def test_numbers_are_sorted_as_numbers_and_one_that_is_none_is_no_label(tmp_path: Path) -> None:
    rows = [f"{number}.png,{('10.0', '-1.0', '2.0', 'nan')[number % 4]}" for number in range(20)]
    data = load_data_set(listed(tmp_path, "path,label", rows), home=tmp_path)
    assert data.class_names == ("-1", "2", "10")
    assert data.notes[0] == "5 rows without a label (nan) are left out (lines 5, 9, 13, 17, 21)"


@pytest.mark.parametrize("missing", ["nan", "NaN", "<NA>", "#N/A"])
def test_missing_value_among_words_is_no_class(tmp_path: Path, missing: str) -> None:
    rows = [f"{number}.png,{('cat', 'dog', missing)[number % 3]}" for number in range(30)]
    data = read(listed(tmp_path, "path,label", rows))
    assert data.class_names == ("cat", "dog")
    assert data.notes[0] == f"10 rows without a label ({missing}) are left out (lines 4, 7, 10, 13, 16, …)"


@pytest.mark.parametrize("doubtful", ["None", "NA", "n/a", "NULL"])
def test_label_that_may_be_missing_is_refused_among_words_only(tmp_path: Path, doubtful: str) -> None:
    rows = [f"{number}.png,{('cat', 'dog', doubtful)[number % 3]}" for number in range(30)]
    path = listed(tmp_path, "path,label", rows)
    message = (
        f"{path}: 10 labels are {doubtful!r} (first: line 4), which may be a class or a missing label. "
        "Rename the class, for example to 'no finding', or leave these images out."
    )
    with pytest.raises(DataError, match=re.escape(message)):
        read(path)
    numbers = [row.replace("cat", "0").replace("dog", "1") for row in rows]
    assert read(listed(tmp_path, "path,label", numbers)).class_names == ("0", "1")


def test_equal_numbers_are_one_class_and_noted(tmp_path: Path) -> None:
    rows = [f"{number}.png,{('0', '0.0', '1', '1.0')[number % 4]}" for number in range(40)]
    data = read(listed(tmp_path, "path,label", rows))
    assert data.class_names == ("0", "1")
    assert data.notes[:2] == (
        "the labels '0' and '0.0' are equal numbers: they are one class, '0'",
        "the labels '1' and '1.0' are equal numbers: they are one class, '1'",
    )
    plain = [f"{number}.png,{number % 4 // 2}" for number in range(40)]
    assert np.array_equal(read(listed(tmp_path, "path,label", plain)).labels_M, data.labels_M)


def test_equal_numbers_of_one_path_do_not_contradict(tmp_path: Path) -> None:
    rows = [f"{number}.png,{number % 2}" for number in range(20)]
    data = read(listed(tmp_path, "path,label", [*rows, "3.png,1.0"]))
    assert data.notes[1] == "1 rows that repeat an earlier one are left out (lines 22)"


def test_accents_in_two_forms_are_one_class(tmp_path: Path) -> None:
    forms = ("caf\u00e9", "cafe\u0301", "tea")
    rows = [f"{number}.png,{forms[number % 3]}" for number in range(30)]
    assert read(listed(tmp_path, "path,label", rows)).class_names == ("caf\u00e9", "tea")


def test_missing_group_is_none_and_equal_numbers_are_one_group(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{group}" for number, group in enumerate(("nan", "", "7", "7.0", "nan"))]
    groups_M = read(listed(tmp_path, "path,label,group", rows)).groups_M
    assert groups_M is not None
    assert len(set(groups_M.tolist())) == 4
    assert groups_M[2] == groups_M[3]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_found_in_the_header(tmp_path: Path, separator: str) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]}" for number in range(20)]
    expected = load_data_set(listed(tmp_path, "path,label", rows), home=tmp_path).fingerprint
    text = (tmp_path / "labels.csv").read_text().replace(",", separator)
    (tmp_path / "labels.csv").write_text(text, encoding="utf-8-sig", newline="\r\n")
    assert load_data_set(str(tmp_path / "labels.csv"), home=tmp_path).fingerprint == expected


def test_paths_of_windows_are_found(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label", [f"images/{number}.png,{'ab'[number % 2]}" for number in range(20)])
    Path(path).write_text(Path(path).read_text().replace("/", "\\"))
    assert load_data_set(path, home=tmp_path).left_out == ()


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("path,label,split", "9.png,a,holdout", ":10: 'holdout' is no split. Known: train,"),
        ("path,label,split", "9.png,a,", ":10: '' is no split. Known: train,"),
        ("path,label,split", ",a,train", ":10: there is no path. Repair the line."),
    ],
)
def test_mistake_is_reported_with_its_line(tmp_path: Path, header: str, row: str, message: str) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},train" for number in range(8)]
    path = listed(tmp_path, header, rows)
    Path(path).write_text("\n".join([header, *rows, row]))
    with pytest.raises(DataError, match=re.escape(f"{path}{message}")):
        load_data_set(path, home=tmp_path)


def test_path_with_a_null_character_is_unreadable(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label", [f"{number}.png,{'ab'[number % 2]}" for number in range(120)])
    with Path(path).open("a") as table:
        table.write("\nx\0.png,a")
    assert load_data_set(path, home=tmp_path).left_out == ("x\0.png",)
