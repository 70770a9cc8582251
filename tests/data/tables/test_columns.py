"""What columns mean, whatever they are called."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from automl.data.tables.columns import choose_columns
from automl.errors import DataError
from tests.data.tables.test_listing import listed, read

SEEN = "x.csv has the columns {}. Expected path,label[,split][,group] or emotion,pixels."


@pytest.mark.parametrize(
    ("header", "path", "label"),
    [
        ("filename,class", "filename", "class"),
        ("image_id,label", "image_id", "label"),
        ("id_code,diagnosis", "id_code", "diagnosis"),
        ("id,label", "id", "label"),
        ("id,breed", "id", "breed"),
        ("file_name,label", "file_name", "label"),
        ("image name,species", "image name", "species"),
        ("lesion_id,image_id,dx,dx_type,age,sex,localization", "image_id", "dx"),
        ("width,height,roi.x1,classid,path", "path", "classid"),
        ("class id,filepaths,labels,data set", "filepaths", "labels"),
        ("path,label,class_name,image", "path", "label"),
    ],
)
def test_columns_are_found_as_people_call_them(header: str, path: str, label: str) -> None:
    columns = choose_columns(header.split(","), where="x.csv")
    assert (columns.path, columns.label) == (path, label)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("foto,label", "No column is known as the path of an image."),
        ("path,kind", "The path is in 'path', but no column is known as the label: call it 'label'."),
        ("path,class,diagnosis", "'class' and 'diagnosis' may each be the label: call the right one 'label'."),
        ("image,file,label", "'image' and 'file' may each be the path of an image: call the right one 'path'."),
        (
            "a/1.png,cat",
            "Its first line looks like an image's, not like a header. No column is known as the path of an image.",
        ),
    ],
)
def test_columns_in_doubt_are_refused(header: str, why: str) -> None:
    names = header.split(",")
    with pytest.raises(DataError, match=f"^{re.escape(SEEN.format(', '.join(names)))} {re.escape(why)}$"):
        choose_columns(names, where="x.csv")


def test_columns_of_other_names_are_noted(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]}" for number in range(20)]
    data = read(listed(tmp_path, "Image ID , Breed", rows))
    assert data.notes[0] == "columns by their names: 'image id' is the path, 'breed' is the label"


def test_columns_that_look_like_a_group_or_a_split_are_noted(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},p{number // 4},{number % 5},7" for number in range(20)]
    data = read(listed(tmp_path, "path,label,Patient_ID,fold,age", rows))
    assert data.notes[0] == (
        "columns that are not read: patient_id, fold, age; 'patient_id' looks like a group: images of one may lie in "
        "several splits, and flatter the accuracy. Call the right one 'group' to keep them together; 'fold' looks "
        "like a split: call it 'split', with the words train, validation and test in it"
    )


@pytest.mark.parametrize(("yes", "no"), [("True", "False"), ("1", "0"), ("TRUE", "FALSE"), ("1.0", "0.0")])
def test_is_valid_is_the_split(tmp_path: Path, yes: str, no: str) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{yes if number >= 16 else no}" for number in range(20)]
    data = read(listed(tmp_path, "fname,label,is_valid", rows))
    assert np.flatnonzero(data.splits_M == 1).tolist() == [16, 17, 18, 19]
    assert data.notes[0] == "columns by their names: 'fname' is the path, 'is_valid' is the split"


def test_is_valid_that_says_neither_is_refused(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,label,is_valid", ["0.png,a,True", "1.png,b,", "2.png,b,False"])
    with pytest.raises(
        DataError, match=re.escape(f"{path}:3: is_valid '' is neither True nor False. Repair the line.")
    ):
        read(path)


def test_column_of_splits_under_another_name_is_read_where_it_holds_nothing_else(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]},{('train', 'valid', 'test')[number // 4]}" for number in range(12)]
    data = read(listed(tmp_path, "filepaths,labels,data set", rows))
    assert data.splits_M.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert data.notes[0] == (
        "columns by their names: 'filepaths' is the path, 'labels' is the label, 'data set' is the split"
    )


def test_one_hot_columns_are_read_under_their_titles(tmp_path: Path) -> None:
    hot = ("1.0,0.0,0.0", "0.0,1.0,0.0", "0.0,0.0,1.0")
    rows = [f"{number}.png,{hot[number % 3]},{number}" for number in range(30)]
    data = read(listed(tmp_path, "image,MEL,NV,bcc,age", rows))
    assert data.class_names == ("MEL", "NV", "bcc")
    assert data.labels_M.tolist() == [0, 1, 2] * 10
    assert data.notes[:2] == (
        "columns by their names: 'image' is the path, mel, nv, bcc are one-hot labels",
        "columns that are not read: age",
    )


@pytest.mark.parametrize(("row", "ones"), [("1,1", 2), ("0,0", 0)])
def test_several_labels_of_one_image_are_refused(tmp_path: Path, row: str, ones: int) -> None:
    path = listed(tmp_path, "image,mel,nv", ["0.png,1,0", f"1.png,{row}", "2.png,0,1"])
    message = (
        f"{path}:3: {ones} of the columns mel, nv are 1. A classifier takes one class an image. "
        "Write it into a column 'label', or leave the line out."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


def test_columns_that_are_no_labels_are_not_taken_for_one_hot(tmp_path: Path) -> None:
    path = listed(tmp_path, "path,age,sex", ["0.png,33,1", "1.png,44,0"])
    message = (
        f"{path} has the columns path, age, sex. Expected path,label[,split][,group] or emotion,pixels. "
        "The path is in 'path', but no column is known as the label: call it 'label'."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


def test_index_of_pandas_and_trailing_separators_are_no_columns(tmp_path: Path) -> None:
    rows = [f"{number}.png,{'ab'[number % 2]}" for number in range(20)]
    path = listed(tmp_path, "path,label", rows)
    Path(path).write_text("\n".join([",path,label,,", *(f"{number},{row},," for number, row in enumerate(rows))]))
    data = read(path)
    assert not any("not read" in note for note in data.notes)
