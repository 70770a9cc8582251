"""Tables among the images of a folder or a zip."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from automl.data.decoding.decoder import EncodedImages
from automl.data.loading import load_data_set
from automl.data.source_contents import SourceContents
from automl.data.sources.references import find_source
from automl.data.split_names import SPLITS
from automl.errors import DataError
from tests.data.pictures import pack, save_classes, save_picture


def folder(root: Path, tables: dict[str, list[str]], images: list[str]) -> Path:
    """Write tables, and files that are found here, and not read."""
    for name, lines in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("\n".join(lines))
    for name in images:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def read(path: Path) -> SourceContents:
    """Labels and notes, without the pixels."""
    return find_source(str(path), home=Path()).contents()


def rows(contents: SourceContents) -> list[tuple[str, str, str]]:
    """Split, class and name of each image."""
    assert isinstance(contents.images, EncodedImages)
    return [
        (SPLITS[split], contents.class_names[label], name)
        for split, label, name in zip(contents.splits_M, contents.labels_M, contents.images.names, strict=True)
    ]


def test_metadata_beside_the_images_is_read_in_a_folder_and_in_a_zip(tmp_path: Path) -> None:
    names = [f"{number}.png" for number in range(20)]
    for seed, name in enumerate(names):
        save_picture(tmp_path / "set" / "images" / name, seed=seed)
    lines = ["file_name,label", *(f"images/{name},{'ab'[int(name[:-4]) % 2]}" for name in names)]
    folder(tmp_path / "set", {"metadata.csv": lines}, [])
    data = load_data_set(str(tmp_path / "set"), home=tmp_path)
    assert data.class_names == ("a", "b")
    assert data.notes[:2] == (
        "labels come from metadata.csv",
        "columns by their names: 'file_name' is the path",
    )
    for split in data.splits.values():
        assert (split.labels_N == split.rows_N % 2).all()
    archive = pack(tmp_path / "set", tmp_path / "set.zip", enclosing="photos/")
    assert load_data_set(str(archive), home=tmp_path).fingerprint == data.fingerprint


def test_json_lines_are_read_as_people_write_them(tmp_path: Path) -> None:
    labels: list[object] = [0, 1.0, 0.0, None, "1"]
    lines = [
        json.dumps({"file_name": f"{number}.png", "label": label, "boxes": [[1, 2]]})
        for number, label in enumerate(labels)
    ]
    root = folder(tmp_path / "set", {"metadata.jsonl": lines}, [f"{number}.png" for number in range(6)])
    expected = [("train", label, f"{number}.png") for number, label in ((0, "0"), (1, "1"), (2, "0"), (4, "1"))]
    assert rows(read(root)) == expected
    assert read(root).notes == (
        "labels come from metadata.jsonl",
        "columns by their names: 'file_name' is the path",
        "1 rows without a label are left out (lines 4)",
        "columns that are not read: boxes",
        "2 images have no label in a table and are left aside (first: 3.png)",
    )
    assert rows(read(root / "metadata.jsonl")) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "{",
            ":2: Expecting property name enclosed in double quotes: line 1 column 2 (char 1). Write one JSON object a",
        ),
        ("[1]", ":2: this is no JSON object. Write one a line."),
        ('{"file_name": "0.png", "label": ["a", "b"]}', ":2: the label is a list or an object. Write one word or numb"),
        ('{"file_name": ["0.png"], "label": "a"}', ":2: there is no path. Repair the line."),
        ('{"label": "a"}', ":2: there is no path. Repair the line."),
    ],
)
def test_damaged_json_lines_are_refused_with_their_line(tmp_path: Path, line: str, message: str) -> None:
    root = folder(tmp_path, {"x.jsonl": ['{"file_name": "0.png", "label": "a"}', line]}, ["0.png"])
    with pytest.raises(DataError, match=re.escape(f"{root / 'x.jsonl'}{message}")):
        read(root / "x.jsonl")


def test_split_folders_have_metadata_each(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "set",
        {
            "train/metadata.csv": ["file_name,label", "1.png,a", "2.png,b"],
            "validation/metadata.csv": ["file_name,label", "1.png,b"],
            "test/metadata.jsonl": ['{"file_name": "deep/1.png", "label": "a"}'],
        },
        ["train/1.png", "train/2.png", "validation/1.png", "test/deep/1.png"],
    )
    contents = read(root)
    assert rows(contents) == [
        ("test", "a", "test/deep/1.png"),
        ("train", "a", "train/1.png"),
        ("train", "b", "train/2.png"),
        ("validation", "b", "validation/1.png"),
    ]
    assert contents.notes[0] == "labels come from test/metadata.jsonl, train/metadata.csv, validation/metadata.csv"
    assert contents.notes[1] == "test/metadata.jsonl: columns by their names: 'file_name' is the path"


def test_metadata_of_one_image_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "set",
        {"metadata.csv": ["file_name,label", "1.png,a"], "metadata.jsonl": ['{"file_name": "1.png", "label": "b"}']},
        ["1.png"],
    )
    message = f"{root}/metadata.jsonl:1: {root}/metadata.csv:2 says otherwise of '1.png'. Keep one of them."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(root)


@pytest.mark.parametrize("lines", [["file_name,text", "a/1.png,a cat"], ["id,species", "1,x"], ["\udcff"]])
def test_metadata_without_labels_leave_the_folders_to_be_classes(tmp_path: Path, lines: list[str]) -> None:
    root = folder(tmp_path / "set", {}, ["a/1.png", "b/1.png"])
    (root / "metadata.csv").write_bytes("\n".join(lines).encode(errors="surrogateescape"))
    assert [name for _, name, _ in rows(read(root))] == ["a", "b"]


def test_class_that_is_called_none_in_a_folder_stays(tmp_path: Path) -> None:
    assert read(folder(tmp_path / "set", {}, ["None/1.png", "nan/1.png"])).class_names == ("None", "nan")


def test_only_table_with_labels_is_read_where_no_folder_is_a_class(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "set",
        {
            "train.csv": ["id_code,diagnosis", "x1,0", "x2,1"],
            "test.csv": ["id_code", "x3"],
            "sample_submission.csv": ["id_code,diagnosis", "x3,0"],
        },
        ["x1.png", "x2.png", "x3.png"],
    )
    contents = read(root)
    assert rows(contents) == [("train", "0", "x1.png"), ("train", "1", "x2.png")]
    assert contents.notes == (
        "labels come from train.csv",
        "columns by their names: 'id_code' is the path, 'diagnosis' is the label",
        "1 images have no label in a table and are left aside (first: x3.png)",
    )


def test_tables_that_are_called_like_splits_are_splits(tmp_path: Path) -> None:
    root = folder(
        tmp_path / "set",
        {"Train.csv": ["Path,ClassId", "1.png,7", "2.png,8"], "Test.csv": ["Path,ClassId", "3.png,7"]},
        ["1.png", "2.png", "3.png"],
    )
    assert rows(read(root)) == [("test", "7", "3.png"), ("train", "7", "1.png"), ("train", "8", "2.png")]


@pytest.mark.parametrize(
    ("tables", "advice"),
    [
        (
            {"labels.csv": ["image,class,diagnosis", "1.png,a,b"]},
            "\n{root}/labels.csv has the columns image, class, diagnosis. Expected path,label[,split][,group] or "
            "emotion,pixels. 'class' and 'diagnosis' may each be the label: call the right one 'label'.",
        ),
        (
            {"a.csv": ["path,label", "1.png,a"], "b.csv": ["path,label", "1.png,b"]},
            "\nOr name the table that has their labels as the data, unpacked where it lies in a zip: a.csv, b.csv.",
        ),
    ],
)
def test_images_without_class_folders_beside_tables_in_doubt(
    tmp_path: Path, tables: dict[str, list[str]], advice: str
) -> None:
    root = folder(tmp_path / "set", tables, ["1.png"])
    with pytest.raises(DataError, match=re.escape(advice.format(root=root)) + "$"):
        read(root)


def test_changed_metadata_are_read_anew(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 2})
    folder(root, {"metadata.csv": ["file_name,label", "a/000.png,x", "a/001.png,y"]}, [])
    before = find_source(str(root), home=tmp_path).identity()
    folder(root, {"metadata.csv": ["file_name,label", "a/000.png,xx", "a/001.png,y"]}, [])
    assert find_source(str(root), home=tmp_path).identity() != before
