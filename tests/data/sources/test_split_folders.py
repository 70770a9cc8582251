from __future__ import annotations

import re
from pathlib import Path

import pytest

from automl.data.source_contents import SourceContents
from automl.data.sources.files import ArchiveOfImages, FolderOfImages
from automl.data.sources.layout import Layout, arrange
from automl.data.split_names import SPLITS
from automl.errors import DataError
from tests.data.pictures import pack, save_classes

ADVICE = (
    "Call the folders of the splits train, val and test, with a folder for each class in each of them. "
    "If all of them are classes, put them together into one folder called train."
)


def images(*folders: str) -> list[str]:
    return [f"{folder}/{number}.png" for folder in folders for number in range(2)]


def read(layout: Layout) -> set[tuple[str, str, str]]:
    """Split, class and first folder of all images."""
    return {(entry.split, entry.class_name, entry.path.partition("/")[0]) for entry in layout.images}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("training_set", "test_set"),
        ("trainset", "testset"),
        ("train_images", "test_images"),
        ("Training Data", "Testing Data"),
        ("01_train", "02_test"),
        ("train2017", "test2017"),
        ("train-set", "test-set"),
        ("TrainData", "TestData"),
        ("X_train", "X_test"),
        ("seg_train", "seg_test"),
        ("fruits-360_train", "fruits-360_test"),
        ("dataset/train", "dataset/test"),
        ("images/Train", "images/Test"),
        ("train/train", "test/test"),
        ("train/images", "test/images"),
        ("training_set/training_set", "test_set/test_set"),
        ("seg_train/seg_train", "seg_test/seg_test"),
    ],
)
def test_splits_are_read_under_every_usual_name(train: str, test: str) -> None:
    layout = arrange(images(f"{train}/cat", f"{train}/dog", f"{test}/cat", f"{test}/dog"))
    assert layout.class_names == ("cat", "dog")
    assert [entry.split for entry in layout.images] == ["train"] * 4 + ["test"] * 4
    assert all(entry.path.startswith(train if entry.split == "train" else test) for entry in layout.images)


def test_unusual_names_are_reported() -> None:
    layout = arrange(images("val_images/a", "01_train/a", "01_train/b"))
    assert layout.notes == ("splits by the folders' names: '01_train' is train, 'val_images' is validation",)


def test_images_without_labels_are_left_aside() -> None:
    paths = images("seg_train/seg_train/a", "seg_train/seg_train/b", "seg_test/seg_test/a")
    layout = arrange([*paths, "seg_pred/seg_pred/7.png", "seg_pred/seg_pred/8.png"])
    assert {(split, name) for split, name, _ in read(layout)} == {("train", "a"), ("train", "b"), ("test", "a")}
    assert layout.notes[1] == (
        "2 images lie in no class of a known split and are left aside (first: seg_pred/seg_pred/7.png)"
    )
    assert {split for split, _, _ in read(arrange([*paths[:4], "seg_pred/7.png"]))} == {"train"}


@pytest.mark.parametrize("test", ["test/test/7.png", "test/images/7.png", "test/7.png"])
def test_unlabelled_test_images_make_no_class(test: str) -> None:
    layout = arrange([*images("train/a", "train/b"), test])
    assert layout.class_names == ("a", "b")
    assert layout.notes == (f"1 images lie in no class of a known split and are left aside (first: {test})",)


def test_class_that_is_called_as_a_split_may_be_nested() -> None:
    layout = arrange(images("train/train", "train/car", "train/images", "test/train", "test/car"))
    assert layout.class_names == ("car", "images", "train")
    assert {split for split, _, _ in read(layout)} == {"train", "test"}


def test_vehicles_keep_their_train_and_it_is_reported() -> None:
    layout = arrange(images("car", "plane", "train"))
    assert read(layout) == {("train", name, name) for name in ("car", "plane", "train")}
    assert layout.notes == ("the folder 'train' is read as a class, though its name is a split's",)
    railways = arrange(images("bullet_train", "steam_train"))
    assert railways.class_names == ("bullet_train", "steam_train")
    assert railways.notes == (
        "the folders 'bullet_train', 'steam_train' are read as classes, though they are named like splits",
    )
    assert arrange(images("valid", "invalid")).class_names == ("invalid", "valid")
    assert arrange(images("blood_test", "x-ray")).class_names == ("blood_test", "x-ray")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (
            ["train/front", "car/front", "plane/front"],
            "The folder 'train' looks like a split, but it may be a class: there are 'car', 'plane' beside it.",
        ),
        (
            ["cat", "dog", "test"],
            "The folder 'test' looks like a split, but it may be a class: there are 'cat', 'dog' beside it.",
        ),
        (
            ["train_images", "cat"],
            "The folder 'train_images' looks like a split, but it may be a class: there is 'cat' beside it.",
        ),
        (
            ["train", "test", "cat"],
            "The folders 'test', 'train' look like splits, but this is in doubt: "
            "they have no class folders in them, and there is 'cat' beside them.",
        ),
        (
            ["dog_train", "dog_test", "cat_train", "cat_test"],
            "The folders 'cat_test', 'cat_train', 'dog_test', 'dog_train' look like splits, but this is in doubt: "
            "their names differ in more than the split.",
        ),
        (
            ["trainA/x", "trainB/x", "testA/x", "testB/x"],
            "The folders 'testA', 'testB', 'trainA', 'trainB' look like splits, but this is in doubt: "
            "their names differ in more than the split.",
        ),
        (
            ["train_1/a", "train_1/b", "train_2/a", "test/a"],
            "The folders 'test', 'train_1', 'train_2' look like splits, but this is in doubt: "
            "several of them mean one split.",
        ),
        (
            ["train1", "train2"],
            "The folders 'train1', 'train2' look like splits, but this is in doubt: several of them mean one split.",
        ),
        (
            ["cat/train/front", "cat/test/front", "dog/train/front", "dog/test/front"],
            "The folders 'cat/test', 'cat/train', 'dog/test', 'dog/train' look like splits inside of classes, "
            "and not every image lies in one.",
        ),
        (
            ["archive 1/train/cat", "archive 1/train/dog", "archive 2/test/cat"],
            "The folders 'archive 1/train', 'archive 2/test' look like splits inside of classes, "
            "and not every image lies in one.",
        ),
    ],
)
def test_what_may_be_splits_or_classes_is_refused(folders: list[str], message: str) -> None:
    with pytest.raises(DataError, match="^" + re.escape(f"{message} {ADVICE}") + "$"):
        arrange(images(*folders))
    nested = arrange(images(*(f"train/{folder}" for folder in folders)))  # what the advice says
    assert nested.class_names == tuple(sorted({folder.partition("/")[0] for folder in folders}))


def test_splits_inside_of_classes_are_read() -> None:
    layout = arrange(images("cat/train", "cat/test", "dog/train", "dog/test"))
    assert {(split, name) for split, name, _ in read(layout)} == {
        (split, name) for split in ("train", "test") for name in ("cat", "dog")
    }
    assert layout.notes == ("splits are the folders inside the class folders",)


def test_folders_inside_of_classes_are_mostly_no_splits() -> None:
    layout = arrange(images("cat/indoors", "cat/test", "dog/test", "dog/indoors"))
    assert {split for split, _, _ in read(layout)} == {"train"}


def test_flat_split_folders_say_that_classes_are_missing() -> None:
    message = "4 images, but none in a class folder (for example 'train_images/0.png'). Put the images of each class"
    with pytest.raises(DataError, match=re.escape(message)):
        arrange(images("train_images", "test_images"))


def counts(contents: SourceContents) -> list[int]:
    return [int((contents.splits_M == number).sum()) for number in range(len(SPLITS))]


def test_folder_and_zip_are_read_alike(tmp_path: Path) -> None:
    folder = tmp_path / "intel"
    for split, count in (("seg_train", 3), ("seg_test", 2)):
        save_classes(folder / split / split, {"sea": count, "street": count})
    save_classes(folder / "seg_pred", {"seg_pred": 2})
    save_classes(folder / "__MACOSX" / "seg_val" / "seg_val", {"._sea": 1})
    archive = pack(folder, tmp_path / "intel.zip", enclosing="archive/")
    for contents in (FolderOfImages(folder).contents(), ArchiveOfImages(archive).contents()):
        assert contents.class_names == ("sea", "street")
        assert counts(contents) == [6, 0, 4]
        assert contents.notes[0] == "splits by the folders' names: 'seg_train' is train, 'seg_test' is test"
