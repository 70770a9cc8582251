from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from automl.data.sources.files import ArchiveOfImages, FolderOfImages
from automl.data.sources.layout import arrange
from automl.errors import DataError
from tests.data.pictures import save_classes

LOST = (
    "folders of which no image is read: 'birds' is empty; "
    "'dogs' has only files that are no images by their ending (.heic: 2, .txt: 1); "
    "'.fish' is hidden by the dot in its name"
)
ADVICE = ".heic files are not read: convert them to .jpg or .png"


def lossy(folder: Path) -> Path:
    """Two classes that are read, and three that are not."""
    save_classes(folder, {"cats": 2, "cows": 2, ".fish": 2, ".git": 0})
    (folder / "birds").mkdir()
    (folder / "dogs" / "deeper").mkdir(parents=True)
    for name in ("dogs/1.HEIC", "dogs/deeper/2.heic", "dogs/notes.txt"):
        (folder / name).touch()
    (folder / "cats" / "empty").mkdir()  # inside of a class nobody misses it
    (folder / ".git").mkdir()
    (folder / ".git" / "config").touch()
    return folder


def zipped(folder: Path) -> Path:
    """With its empty folders, and what macOS adds."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for entry in folder.rglob("*"):
            archive.write(entry, f"pets/{entry.relative_to(folder)}")
        archive.writestr("__MACOSX/pets/cats/._000.png", b"")
        archive.writestr("__MACOSX/pets/.cats/1.png", b"")
    return path


def test_folders_without_an_image_are_named_with_the_reason(tmp_path: Path) -> None:
    folder = lossy(tmp_path / "pets")
    contents = FolderOfImages(folder).contents()
    assert contents.class_names == ("cats", "cows")
    assert contents.notes[1:] == (LOST, ADVICE)
    in_zip = ArchiveOfImages(zipped(folder)).contents()
    assert in_zip.class_names == ("cats", "cows")
    assert in_zip.notes[2] == ADVICE
    assert re.sub("'pets/", "'", in_zip.notes[1].replace("'pets/.", "'.")) == LOST


def test_a_new_empty_folder_is_reported_in_spite_of_the_cache(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "pets", {"cats": 2, "cows": 2})
    before = FolderOfImages(folder).identity()
    (folder / "birds").mkdir()
    assert FolderOfImages(folder).identity() != before


def test_lost_splits_and_lost_classes_in_splits_are_named() -> None:
    layout = arrange(["train/a/1.png", "train/b/1.png", "test/a/1.heic"], folders=["val", "train", "train/c", "test/b"])
    assert layout.lost == (
        "folders of which no image is read: "
        "'test' has only files that are no images by their ending (.heic: 1); 'train/c' is empty; 'val' is empty",
    )


def test_many_lost_folders_are_counted() -> None:
    layout = arrange(["a/1.png", "b/1.png"], folders=[f"empty{number}" for number in range(7)])
    assert layout.lost[0].endswith("'empty4' is empty; and 2 more")


def test_only_one_class_left_names_the_others(tmp_path: Path) -> None:
    folder = lossy(tmp_path / "pets")
    for path in (folder / "cows").iterdir():
        path.rename(path.with_suffix(".heic"))
    message = (
        f"{folder}: Only one class, 'cats': a classifier needs at least two. Put the images of each class into a "
        "folder of its own. Folders of which no image is read: 'birds' is empty; "
        "'cows' has only files that are no images by their ending (.heic: 2); "
        "'dogs' has only files that are no images by their ending (.heic: 2, .txt: 1); "
        "'.fish' is hidden by the dot in its name. .heic files are not read: convert them to .jpg or .png."
    )
    with pytest.raises(DataError, match="^" + re.escape(message) + "$"):
        FolderOfImages(folder).contents()


def test_nothing_but_unread_types_is_refused_with_the_remedy() -> None:
    message = (
        "No images: 2 files that are no images by their ending (.heic: 2). Expected <class>/… or train/<class>/… with "
        ".jpg, .png, .bmp, .webp, .avif, .gif or .tif files. .heic files are not read: convert them to .jpg or .png. "
        "Folders of which no image is read: 'a' has only files that are no images by their ending (.heic: 2)."
    )
    with pytest.raises(DataError, match="^" + re.escape(message) + "$"):
        arrange(["a/1.heic", "a/2.heic"])


def test_link_to_a_class_that_counts_already_is_named(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "pets", {"cats": 2, "cows": 2})
    (folder / "dogs").symlink_to(folder / "cats")
    assert FolderOfImages(folder).contents().notes == ("folders of which no image is read: 'dogs' is empty",)
