from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.data.decoding.chunks import DAMAGED
from automl.data.decoding.containers import Archive, Folder
from automl.errors import DataError


def names(container: Folder | Archive) -> list[str]:
    return [file.name for file in container.files()]


def test_hidden_and_system_files_are_ignored(tmp_path: Path) -> None:
    for name in ("a/1.png", ".git/2.png", "a/.3.png", "__MACOSX/a/4.png", "a/Thumbs.db"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert names(Folder(tmp_path)) == ["a/1.png"]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a/1.png", "__MACOSX/a/._1.png", "a/.DS_Store"):
            archive.writestr(name, b"")
    assert names(Archive(tmp_path / "x.zip")) == ["a/1.png"]


def test_links_are_followed_once_and_loops_not_at_all(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.png").touch()
    (root / "a").mkdir(parents=True)
    (root / "b").symlink_to(elsewhere)
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a" / "self")
    assert names(Folder(root)) == ["a/self", "b/1.png"]


def test_archive_gives_the_bytes_of_a_file_packed_on_windows(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        member = zipfile.ZipInfo("x")
        member.filename = "a\\1.png"
        archive.writestr(member, b"pixels")
    archive_read = Archive(tmp_path / "x.zip")
    assert names(archive_read) == ["a/1.png"]
    with archive_read.open("a/1.png") as file:
        assert file.read() == b"pixels"


def test_archive_packed_in_its_own_folder_has_plain_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("./a/1.png", b"pixels")
        archive.writestr("./.hidden", b"")
    assert names(Archive(tmp_path / "x.zip")) == ["a/1.png"]


@pytest.mark.parametrize("name", ["../1.png", "a/../../1.png", "/etc/1.png", "C:/1.png", "..\\1.png"])
def test_archive_that_leads_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"")
    message = f"{path}: {name!r} has a path that leads out of the archive; the archive is refused. Pack a clean one."
    with pytest.raises(DataError, match=re.escape(message)):
        Archive(path).files()


def test_archive_of_absurd_compression_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/bomb.png", bytes(20_000_000))
    message = f"{path}: 'a/bomb.png' unpacks to more than 1000 times its size; the archive is refused."
    with pytest.raises(DataError, match=re.escape(message)):
        Archive(path).files()


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x03\x04 and no end")
    with pytest.raises(DataError, match=re.escape(f"Cannot read the zip {path}: File is not a zip file.")):
        Archive(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_archive_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Bytes of the list of members are changed, one of which has an empty name."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1.png", b"pixels" * 9)
        archive.writestr("b", b"pixels")
    content = bytearray(path.read_bytes())
    members = content.index(b"PK\x01\x02")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(members, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        damaged = Archive(path)
        listed = [file.name for file in damaged.files()]
    except DataError:
        return
    for name in listed:
        try:
            with damaged.open(name) as file:
                file.read()
        except DAMAGED:
            continue


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({6: 255}, "zip file version 25.5"),
        ({28: 0, 30: 1}, "a file has no name"),
    ],
)
def test_archive_that_zipfile_cannot_read_is_refused(tmp_path: Path, changes: dict[int, int], reason: str) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("b", b"pixels")
    content = bytearray(path.read_bytes())
    for place, value in changes.items():
        content[content.index(b"PK\x01\x02") + place] = value
    path.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(f"Cannot read the zip {path}: {reason}")):
        Archive(path)


def test_pipes_and_devices_are_reported_as_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    folder = Folder(tmp_path)
    assert names(folder) == ["pipe.png", "zero.png"]
    for name in names(folder):
        with pytest.raises(OSError, match="not a regular file"):
            folder.open(name)
