from __future__ import annotations

import re

import pytest

from automl.data.sources.layout import ImageEntry, arrange
from automl.errors import DataError


def test_class_folders_alone_are_train() -> None:
    layout = arrange(["dogs/1.png", "cats/2.png", "cats/deeper/1.JPG"])
    assert layout.class_names == ("cats", "dogs")
    assert layout.images == (
        ImageEntry("train", "cats", "cats/2.png"),
        ImageEntry("train", "cats", "cats/deeper/1.JPG"),
        ImageEntry("train", "dogs", "dogs/1.png"),
    )


@pytest.mark.parametrize("validation", ["val", "valid", "validation", "Val"])
def test_split_folders_have_several_names(validation: str) -> None:
    layout = arrange([f"{validation}/cats/1.png", "test/cats/1.png", "train/cats/1.png"])
    assert [entry.split for entry in layout.images] == ["train", "validation", "test"]


@pytest.mark.parametrize("inside", [["train/a/1.png", "test/b/2.png"], ["a/1.png", "b/1.png"], ["train/a/1.png"]])
def test_an_enclosing_folder_changes_nothing(inside: list[str]) -> None:
    bare, enclosed = arrange(inside), arrange([f"pictures/{path}" for path in inside])
    assert enclosed.class_names == bare.class_names
    assert [(entry.split, f"pictures/{entry.path}") for entry in bare.images] == [
        (entry.split, entry.path) for entry in enclosed.images
    ]


def test_class_that_is_called_train_is_a_class() -> None:
    layout = arrange(["bus/1.png", "car/1.png", "train/1.png", "train/2.png"])
    assert layout.class_names == ("bus", "car", "train")
    assert {entry.split for entry in layout.images} == {"train"}


def test_image_beside_an_enclosing_folder_is_left_aside() -> None:
    for inside in (["a/1.png", "b/1.png"], ["train/a/1.png", "train/b/1.png"]):
        layout = arrange(["preview.png", *(f"pictures/{path}" for path in inside)])
        assert layout.class_names == ("a", "b")
        assert "first: preview.png" in layout.notes[0]


def test_other_files_are_left_aside_and_counted() -> None:
    layout = arrange(["a/1.png", "b/1.png", "b/2.heic", "README.md", "3.png"])
    assert len(layout.images) == 2
    assert layout.notes == (
        "2 files are no images by their ending and are left aside (.heic: 1, .md: 1)",
        ".heic files are not read: convert them to .jpg or .png",
        "1 images lie in no class of a known split and are left aside (first: 3.png)",
    )


def test_unlabelled_test_images_are_left_aside() -> None:
    layout = arrange(["train/a/1.png", "train/b/1.png", "test/7.png"])
    assert {entry.split for entry in layout.images} == {"train"}
    assert "first: test/7.png" in layout.notes[0]


def test_fer2013_is_recognized_by_its_file_names() -> None:
    layout = arrange(["train/neutral/Training_1.jpg", "test/neutral/PublicTest_2.jpg", "test/Angry/PrivateTest_3.jpg"])
    assert layout.name == "fer2013"
    assert layout.class_names == ("angry", "neutral")
    assert [(entry.split, entry.class_name) for entry in layout.images] == [
        ("train", "neutral"),
        ("validation", "neutral"),
        ("test", "angry"),
    ]


def test_names_of_fer2013_with_other_classes_are_no_fer2013() -> None:
    layout = arrange(["train/cat/Training_1.jpg", "test/cat/PublicTest_2.jpg"])
    assert [entry.split for entry in layout.images] == ["train", "test"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "No images: it is empty. Expected"),
        (["a/1.heic", "a/2.heic"], "No images: 2 files that are no images by their ending (.heic: 2). Expected"),
        (["train/1.png", "test/2.png"], "2 images, but none in a class folder (for example 'train/1.png'). Put the"),
        (["1.png", "2.png"], "2 images, but none in a class folder (for example '1.png'). Put the images of each"),
    ],
)
def test_nothing_to_learn_from_says_what_is_there(paths: list[str], message: str) -> None:
    with pytest.raises(DataError, match="^" + re.escape(message)):
        arrange(paths)


def test_split_folders_as_kaggle_calls_them_are_no_classes() -> None:
    layout = arrange(["Training/a/1.png", "Training/b/1.png", "Testing/a/1.png", "dev/a/1.png"])
    assert layout.class_names == ("a", "b")
    assert [entry.split for entry in layout.images] == ["train", "train", "validation", "test"]


def test_names_that_look_alike_are_one_class() -> None:
    layout = arrange(["caf\u00e9/1.png", "cafe\u0301/2.png", "cat/1.png", "cat /2.png", "Cat/3.png"])
    assert layout.class_names == ("Cat", "caf\u00e9", "cat")
    assert layout.notes == (
        "2 folders are the class 'caf\u00e9': their names differ only in blanks or in the form of accents",
        "2 folders are the class 'cat': their names differ only in blanks or in the form of accents",
        "the labels 'Cat' and 'cat' differ in their case only: they are 2 classes",
    )


def test_splits_may_spell_a_class_in_two_forms_of_unicode() -> None:
    layout = arrange(["train/caf\u00e9/1.png", "train/the/1.png", "test/cafe\u0301/2.png", "test/the/2.png"])
    assert layout.class_names == ("caf\u00e9", "the")


def test_numbers_are_ordered_as_numbers() -> None:
    layout = arrange(["10/1.png", "2/1.png", "1/1.png"])
    assert layout.class_names == ("1", "2", "10")
    assert [entry.class_name for entry in layout.images] == ["1", "2", "10"]
    assert arrange(["10/1.png", "2/1.png", "one/1.png"]).class_names == ("10", "2", "one")


def test_folders_of_equal_numbers_are_one_class() -> None:
    layout = arrange(["0/a.png", "0.0/b.png", "1/c.png", "1.0/d.png"])
    assert layout.class_names == ("0", "1")
    assert [entry.class_name for entry in layout.images] == ["0", "0", "1", "1"]
    assert "the labels '0' and '0.0' are equal numbers: they are one class, '0'" in layout.notes


def test_folders_that_may_be_codes_or_numbers_are_refused() -> None:
    message = (
        "the class folders: the labels '01' and '1' are equal as numbers, but not as words. "
        "Write this class in one way."
    )
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        arrange(["01/a.png", "1/b.png"])


def test_padded_numbers_alone_stay_words() -> None:
    assert arrange(["001/a.png", "002/b.png"]).class_names == ("001", "002")
