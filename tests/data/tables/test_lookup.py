"""Tables whose paths do not start at their own folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from automl.data.decoding.decoder import EncodedImages
from automl.data.source_contents import SourceContents
from automl.data.sources.references import find_source
from automl.errors import DataError

NAMES = [f"img{number}.png" for number in range(10)]


def table(path: Path, names: Sequence[str]) -> str:
    """Write a table of these paths with two classes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{name},{'ab'[number % 2]}" for number, name in enumerate(names)]
    path.write_text("\n".join(["path,label", *rows]))
    return str(path)


def touch(folder: Path, names: Sequence[str]) -> None:
    """Make files of these names; they are found here, and not read."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def read(path: str) -> tuple[list[str], tuple[str, ...]]:
    """Names of the images, and the notes on them."""
    contents: SourceContents = find_source(path, home=Path()).contents()
    assert isinstance(contents.images, EncodedImages)
    return list(contents.images.names), contents.notes


def test_names_in_one_folder_below_are_found_and_noted(tmp_path: Path) -> None:
    touch(tmp_path / "train_images", NAMES)
    touch(tmp_path / "test_images", ["other.png"])
    names, notes = read(table(tmp_path / "train.csv", NAMES))
    assert names == [f"train_images/{name}" for name in NAMES]
    assert notes == ("the paths are read from 'train_images/', below the table's folder",)


def test_names_without_endings_are_found(tmp_path: Path) -> None:
    stems = [name.removesuffix(".png") for name in NAMES]
    touch(tmp_path, NAMES)
    assert read(table(tmp_path / "labels.csv", stems)) == (NAMES, ())
    touch(tmp_path / "more" / "deep", [f"x{name}" for name in NAMES])
    names, _ = read(table(tmp_path / "labels.csv", [f"deep/x{stem}" for stem in stems]))
    assert names == [f"more/deep/x{name}" for name in NAMES]


def test_names_in_another_case_are_found(tmp_path: Path) -> None:
    touch(tmp_path / "Images", NAMES)
    names, _ = read(table(tmp_path / "labels.csv", [f"images/{name.upper()}" for name in NAMES]))
    assert names == [f"Images/{name}" for name in NAMES]


def test_names_in_several_folders_are_found_where_each_is_in_one(tmp_path: Path) -> None:
    touch(tmp_path / "part_1", NAMES[:5])
    touch(tmp_path / "part_2", NAMES[5:])
    names, notes = read(table(tmp_path / "metadata.csv", NAMES))
    assert names == [f"part_{1 + number // 5}/{name}" for number, name in enumerate(NAMES)]
    assert notes == ("the paths are read from 'part_1/', 'part_2/', below the table's folder",)


def test_folder_that_is_called_like_the_table_wins(tmp_path: Path) -> None:
    for folder in ("train", "test"):
        touch(tmp_path / folder, NAMES)
    assert read(table(tmp_path / "trainLabels.csv", NAMES))[0] == [f"train/{name}" for name in NAMES]


def test_names_in_two_folders_are_in_doubt(tmp_path: Path) -> None:
    for folder in ("large", "small"):
        touch(tmp_path / folder, NAMES)
    path = table(tmp_path / "labels.csv", NAMES)
    message = (
        f"{path}: 'img0.png' may be 'large/img0.png' or 'small/img0.png'. "
        "Write paths that start at the table's folder, with their endings."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


def test_images_of_another_split_are_not_taken(tmp_path: Path) -> None:
    touch(tmp_path / "test" / "images", NAMES)
    with pytest.raises(DataError, match=re.escape("none of its 10 paths leads to a file.")):
        read(table(tmp_path / "train.csv", NAMES))


@pytest.mark.parametrize("root", ["/kaggle/input/pets", "data/pets", "C:\\Users\\bob\\pets"])
def test_table_that_was_moved_with_its_images_is_read(tmp_path: Path, root: str) -> None:
    files = [f"{'ab'[number % 2]}/{name}" for number, name in enumerate(NAMES)]
    touch(tmp_path, files)
    mark = "\\" if "\\" in root else "/"
    names, notes = read(table(tmp_path / "labels.csv", [f"{root}/{file}".replace("/", mark) for file in files]))
    assert names == files
    left_out = root.replace("\\", "/")
    assert notes == (f"the paths are read without {left_out!r}, from the table's folder on",)


def test_table_in_a_folder_beside_the_images_is_read(tmp_path: Path) -> None:
    files = [f"images/{name}" for name in NAMES]
    touch(tmp_path, files)
    names, notes = read(table(tmp_path / "annotations" / "labels.csv", files))
    assert [(tmp_path / "annotations" / name).resolve() for name in names] == [tmp_path / file for file in files]
    assert notes == ("the paths are read from the folder above the table's",)


def test_one_path_that_is_right_keeps_the_rule(tmp_path: Path) -> None:
    touch(tmp_path, NAMES[:1])
    touch(tmp_path / "images", NAMES)
    assert read(table(tmp_path / "labels.csv", NAMES)) == (NAMES, ())


def test_paths_that_lead_nowhere_say_where_the_first_was_looked_for(tmp_path: Path) -> None:
    path = table(tmp_path / "set" / "labels.csv", [f"images/{name}" for name in NAMES])
    message = (
        f"{path}: none of its 10 paths leads to a file. The first, 'images/img0.png' (line 2), was looked for at "
        f"{tmp_path}/set/images/img0.png: paths start at the table's folder. "
        "Correct them, or move the table beside the images."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        read(path)


def test_moved_images_are_found_anew(tmp_path: Path) -> None:
    touch(tmp_path / "one", NAMES)
    path = table(tmp_path / "labels.csv", NAMES)
    before = find_source(path, home=Path()).identity()
    shutil.move(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / NAMES[0]).write_bytes(b"changed")
    assert find_source(path, home=Path()).identity() != before
    assert read(path)[0] == [f"two/{name}" for name in NAMES]
