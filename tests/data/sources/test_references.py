from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from automl.data.sources.references import NAMES, find_source, shadow_note
from automl.errors import DataError
from tests.data.pictures import pack, save_classes


def test_known_name_wins_over_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_source("digits", home=Path()).reference == "digits"
    assert find_source("./digits", home=Path()).reference == str(tmp_path / "digits")


@pytest.mark.parametrize("name", NAMES)
def test_built_in_set_with_a_namesake_here_says_which_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = find_source(name, home=Path())
    assert shadow_note(source) == ()
    (tmp_path / name).mkdir()
    assert shadow_note(source) == (f"{name} is the built-in set; the folder {name} here is called ./{name}",)
    assert shadow_note(find_source(f"./{name}", home=Path())) == ()
    (tmp_path / name).rmdir()
    (tmp_path / name).touch()
    assert shadow_note(source) == (f"{name} is the built-in set; the file {name} here is called ./{name}",)


def test_path_becomes_absolute_and_names_the_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_classes(tmp_path / "photos", {"a": 1})
    pack(tmp_path / "photos", tmp_path / "faces.zip")
    monkeypatch.chdir(tmp_path)
    for reference, name, path in (("photos/", "photos", "photos"), ("faces.zip", "faces", "faces.zip")):
        source = find_source(reference, home=Path())
        assert (source.name, source.reference) == (name, str(tmp_path / path))


def test_missing_path_suggests_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    message = (
        f"No data at '{tmp_path}/fotos': there is no such folder or file, and no set of this name. "
        f"Did you mean '{tmp_path}/photos'?"
    )
    with pytest.raises(DataError, match=re.escape(message)):
        find_source(f"{tmp_path}/fotos", home=Path())


def test_misspelt_name_suggests_the_set() -> None:
    with pytest.raises(DataError, match=re.escape("Did you mean 'digits'?")):
        find_source("digit", home=Path())


@pytest.mark.parametrize("reference", ["", " ", "/nowhere/at/all", "a\0b"])
def test_hopeless_path_lists_the_forms(reference: str) -> None:
    with pytest.raises(DataError, match=re.escape("Data is one of these: digits, mnist, ")):
        find_source(reference, home=Path())


@pytest.mark.parametrize(
    ("reference", "message"),
    [("x" * 5000, "xxx': File name too long."), ("~nobody-at-all/x", "Could not determine home directory.")],
)
def test_path_that_the_system_refuses_is_reported(reference: str, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        find_source(reference, home=Path())


def test_other_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no pictures")
    message = f"{path} is neither a folder nor a zip, .npz, .csv, .tsv or .jsonl file. Data is one of these:"
    with pytest.raises(DataError, match=re.escape(message)):
        find_source(str(path), home=Path())


@pytest.mark.parametrize("ending", [".xlsx", ".parquet", ".PKL"])
def test_table_that_is_no_text_is_to_be_saved_as_one(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"labels{ending}"
    path.write_bytes(b"PK")
    message = f"{path} is no text. Save the table as CSV: path,label[,split][,group]."
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        find_source(str(path), home=Path())


@pytest.mark.parametrize("ending", [".csv", ".zip", ".npz", ""])
def test_pipe_is_refused_unread(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"pipe{ending}"
    os.mkfifo(path)
    with pytest.raises(DataError, match=re.escape(f"{path} is a pipe or a device. Data is one of these: digits,")):
        find_source(str(path), home=Path())


def test_endless_device_is_refused_unread() -> None:
    with pytest.raises(DataError, match=re.escape("/dev/zero is a pipe or a device.")):
        find_source("/dev/zero", home=Path())


@pytest.mark.parametrize("ending", [".zip", ".npz"])
def test_archive_without_its_end_is_damaged(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"set{ending}"
    archive = pack(save_classes(tmp_path / "photos", {"a": 3, "b": 3}), tmp_path / "whole.zip")
    path.write_bytes(archive.read_bytes()[:-100])
    with pytest.raises(DataError, match=re.escape(f"{path} is damaged, or no {ending} file: its end is missing.")):
        find_source(str(path), home=Path())
