from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from automl.data.loading import load_data_set
from automl.data.pixel_range import PixelRange
from automl.data.sources.references import find_source
from automl.data.split_names import SPLITS
from automl.errors import DataError

IMAGES_NHWC = np.random.default_rng(0).integers(0, 256, (30, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3


def saved(path: Path, **arrays: object) -> str:
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    return str(path)


def test_arrays_are_read_as_they_are(tmp_path: Path) -> None:
    data = load_data_set(saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=LABELS), home=tmp_path)
    assert (data.name, data.image_shape, data.class_names) == ("set", (3, 5, 4), ("0", "1", "2"))
    assert np.array_equal(data.splits["train"].images_MHWC, IMAGES_NHWC)
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, LABELS[split.rows_N])


def test_gray_images_and_words_and_splits(tmp_path: Path) -> None:
    splits = np.repeat(["train", "val", "test"], 10)
    words = np.array(["ape", "bee", "cat"])[LABELS]
    path = saved(tmp_path / "set.npz", images=IMAGES_NHWC[..., 0], labels=words, split=splits)
    data = load_data_set(path, home=tmp_path)
    assert (data.image_shape, data.class_names) == ((1, 5, 4), ("ape", "bee", "cat"))
    assert [data.splits[split].rows_N.tolist() for split in SPLITS] == [
        list(range(10)),
        list(range(10, 20)),
        list(range(20, 30)),
    ]


def test_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    path = saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=np.array([2, 10, 9] * 10))
    assert load_data_set(path, home=tmp_path).class_names == ("2", "9", "10")


@pytest.mark.parametrize("type_name", ["bool", "uint16", ">i4", "int64", "float16", "float32", ">f8"])
def test_other_numbers_become_the_bytes_that_they_were_made_of(tmp_path: Path, type_name: str) -> None:
    dtype = np.dtype(type_name)
    bytes_NHWC = IMAGES_NHWC // 128 * 255 if dtype == np.bool_ else IMAGES_NHWC
    images_NHWC = (bytes_NHWC / 255 if dtype.kind in "bf" else bytes_NHWC).astype(dtype)
    data = load_data_set(saved(tmp_path / "set.npz", images=images_NHWC, labels=LABELS), home=tmp_path)
    assert np.array_equal(data.splits["train"].images_MHWC, bytes_NHWC)
    assert data.pixel_range == (PixelRange(0, 256) if dtype.kind in "ui" else None)


def test_deep_numbers_have_the_range_of_the_training_images(tmp_path: Path) -> None:
    values_NHW = IMAGES_NHWC[..., 0].astype(np.uint16) * 16
    values_NHW[20:] += 40_000
    splits = np.repeat(["train", "val", "test"], 10)
    path = saved(tmp_path / "set.npz", images=values_NHW, labels=LABELS, split=splits)
    data = load_data_set(path, home=tmp_path)
    assert data.pixel_range == PixelRange(0, 4096)
    pixels_NHW = data.splits["train"].images_MHWC[..., 0]
    assert np.array_equal(pixels_NHW[:20], IMAGES_NHWC[:20, ..., 0])
    assert (pixels_NHW[20:] == 255).all()
    assert data.notes[0] == (
        "30 of 30 images have more than 8 bits: their values from 0 to 4,095 become 256 grays in equal steps, the same "
        "for all (by the training images)"
    )
    other = load_data_set(path, home=tmp_path, pixel_range=PixelRange(0, 65536))
    assert np.array_equal(other.splits["train"].images_MHWC[..., 0], values_NHW >> 8)
    with pytest.raises(DataError, match=re.escape("set.npz: its pixels are whole numbers of more than 8 bits, and")):
        load_data_set(path, home=tmp_path, pixel_range=PixelRange(0, 1, floats=True))


def test_class_names_are_taken_as_they_are(tmp_path: Path) -> None:
    names = np.array(["None", "007", "7.0"])
    data = load_data_set(
        saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=LABELS, class_names=names), home=tmp_path
    )
    assert data.class_names == ("None", "007", "7.0")
    assert np.array_equal(data.splits["train"].labels_N, LABELS[data.splits["train"].rows_N])
    assert not any("not read" in note for note in data.notes)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES_NHWC}, "has no array 'labels'. It has: images. Expected: images, N × H × W"),
        ({"a": IMAGES_NHWC, "b": LABELS}, "has no array 'images'. It has: a, b. Expected: images, N × H × W"),
        (
            {"train_images": IMAGES_NHWC, "train_labels": LABELS, "val_images": IMAGES_NHWC},
            "has no array 'validation_labels'. It has: train_images, train_labels, val_images. Expected",
        ),
        (
            {"x": IMAGES_NHWC, "image": IMAGES_NHWC, "y": LABELS},
            "'image' and 'x' may be the same array. Leave one of them.",
        ),
        (
            {"x_train": IMAGES_NHWC, "y_train": LABELS, "x_test": IMAGES_NHWC[:, :4], "y_test": LABELS},
            "set.npz has images of several shapes: 'x_train' of 30 × 5 × 4 × 3 of uint8 and "
            "'x_test' of 30 × 4 × 4 × 3 of uint8. Bring them to one.",
        ),
        (
            {"images": np.ascontiguousarray(IMAGES_NHWC.transpose(0, 3, 1, 2)), "labels": LABELS},
            "'images' is 30 × 3 × 5 × 4 of uint8, with the channels first, which .transpose(0, 2, 3, 1) changes. Exp",
        ),
        ({"images": IMAGES_NHWC[..., :2], "labels": LABELS}, "'images' is 30 × 5 × 4 × 2 of uint8. Expected"),
        ({"images": IMAGES_NHWC, "labels": LABELS[:-1]}, "'labels' is 29 of int64 for 30 images. Expected"),
        (
            {"images": IMAGES_NHWC, "labels": LABELS, "class_names": np.array(["ape", "bee"])},
            "set.npz: the label '2' is no index of 'class_names', which has 2 names. Save labels from 0 to 1, or leave "
            "'class_names' out.",
        ),
        (
            {"images": IMAGES_NHWC, "labels": LABELS, "class_names": np.array(["ape", "ape", "bee"])},
            "set.npz: 'class_names' has a name twice. Give each class one of its own.",
        ),
        (
            {"images": IMAGES_NHWC, "labels": LABELS, "split": np.repeat(["holdout"], 30)},
            "set.npz: image 0: 'holdout' is no split. Known: train,",
        ),
        (
            {"images": IMAGES_NHWC, "labels": np.array([print] * 30)},
            "set.npz: 'labels' is 30 of object: pickled objects, which are not read, as they may run code. "
            "Save words with .astype(str), and images as one array with .astype('uint8').",
        ),
        (
            {"images": IMAGES_NHWC, "labels": np.array(["ape", "bee", "cat"], object)[LABELS]},  # smaller than promised
            "set.npz: 'labels' is 30 of object: pickled objects, which are not read, as they may run code. "
            "Save words with .astype(str), and images as one array with .astype('uint8').",
        ),
        (
            {"images": IMAGES_NHWC, "labels": np.ones((30, 14), np.int64)},
            "set.npz: 'labels' is 30 × 14 of int64: image 0 has not one 1 among zeros. "
            "A classifier takes one class an image: save N numbers or words.",
        ),
        (
            {"images": IMAGES_NHWC, "labels": np.array(["None", "bee", "cat"])[LABELS]},
            "set.npz: 'labels': 10 labels are 'None' (first: image 0), which may be a class or a missing label. "
            "Rename the class, for example to 'no finding', or leave these images out.",
        ),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    path = saved(tmp_path / "set.npz", **arrays)
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(path, home=tmp_path)


class Trap:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["images", "labels", "split"])
@pytest.mark.parametrize("bare", [False, True])
def test_pickle_inside_is_refused_and_not_run(tmp_path: Path, name: str, bare: bool) -> None:
    arrays: dict[str, object] = {"images": IMAGES_NHWC, "labels": LABELS, "split": np.repeat(["train"], 30)}
    arrays[name] = np.array([Trap(tmp_path / "sprung")] * 30)
    path = saved(tmp_path / "set.npz", **arrays)
    if bare:  # a pickle instead of an array's file
        with zipfile.ZipFile(path, "w") as archive:
            for key, value in arrays.items():
                buffer = io.BytesIO()
                np.save(buffer, value)  # type: ignore[arg-type]
                content = pickle.dumps(Trap(tmp_path / "sprung")) if key == name else buffer.getvalue()
                archive.writestr(f"{key}.npy", content)
    said = f"the array '{name}' cannot be read: the magic string is not correct" if bare else "of object"
    with pytest.raises(DataError, match=re.escape(said)):
        load_data_set(path, home=tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["images", "labels"])
def test_header_of_terabytes_is_refused_before_anything_is_allocated(tmp_path: Path, name: str) -> None:
    shapes = {"images": (10**10, 5, 4, 3) if name == "images" else (30, 5, 4, 3), "labels": (10**10,)}
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        for key, shape in shapes.items():
            buffer = io.BytesIO()
            dtype = "|u1" if key == "images" else "<i8"
            np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
            archive.writestr(f"{key}.npy", buffer.getvalue() + bytes(1800))
    message = f"{tmp_path / 'set.npz'}: the array {name!r} breaks off. Save it again."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(tmp_path / "set.npz"), home=tmp_path)
    assert not list((tmp_path / "cache").rglob("images*"))


def test_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (30, 5, 4, 3)}
    np.lib.format.write_array_header_1_0(header, shape)
    labels = io.BytesIO()
    np.save(labels, LABELS)
    with zipfile.ZipFile(tmp_path / "set.npz", "w") as archive:
        archive.writestr("images.npy", header.getvalue() + bytes(100))
        archive.writestr("labels.npy", labels.getvalue())
    message = f"{tmp_path / 'set.npz'}: the array 'images' breaks off. Save it again."
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(tmp_path / "set.npz"), home=tmp_path)


@pytest.mark.parametrize(
    ("labels", "class_names"),
    [
        (LABELS[:, np.newaxis], ("0", "1", "2")),
        (LABELS.astype(np.float32), ("0", "1", "2")),
        (LABELS / 2, ("0", "0.5", "1")),
        (LABELS - 1, ("-1", "0", "1")),
        (LABELS.astype(">i2"), ("0", "1", "2")),
        (LABELS > 0, ("False", "True")),
        (np.array([b"ape", b"bee", "猫".encode()])[LABELS], ("ape", "bee", "猫")),
        (np.array(["1.0", "02", "3e0"])[LABELS], ("1", "02", "3")),
        (np.array(["-1", "-1.0", "7"])[LABELS[:, np.newaxis]], ("-1", "7")),
        (np.array(["cafe\u0301", "caf\u00e9", "tea"])[LABELS], ("caf\u00e9", "tea")),
        (np.eye(3)[LABELS], ("0", "1", "2")),
        (np.asfortranarray(np.eye(3, dtype=bool)[LABELS]), ("0", "1", "2")),
        (np.array(["a\0b", "c\x1b", "d"])[LABELS], ("a\\x00b", "c\\x1b", "d")),
    ],
)
def test_labels_of_any_plain_type_are_read(
    tmp_path: Path, labels: npt.NDArray[np.generic], class_names: tuple[str, ...]
) -> None:
    data = load_data_set(saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=labels), home=tmp_path)
    assert data.class_names == class_names
    numbers: npt.NDArray[np.generic] = LABELS
    if len(class_names) == 2:
        numbers = LABELS > 0 if class_names[0] == "False" else LABELS > 1
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, numbers[split.rows_N])


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["", "bee", "cat"])[LABELS],
        np.array(["nan", "bee", "cat"])[LABELS],
        np.array(["None", "1", "2"])[LABELS],
        np.where(LABELS == 0, np.nan, LABELS),
    ],
)
def test_labels_that_say_nothing_are_refused(tmp_path: Path, labels: npt.NDArray[np.generic]) -> None:
    path = saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=labels)
    with pytest.raises(
        DataError, match=re.escape("'labels' says nothing of 10 images (first: image 0). Leave them out.")
    ):
        load_data_set(path, home=tmp_path)


def test_words_of_any_length_are_refused_unread(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", images=IMAGES_NHWC, labels=np.array(["x" * 2000] * 30))
    with pytest.raises(DataError, match=re.escape("'labels' is 30 of <U2000 for 30 images.")):
        load_data_set(str(tmp_path / "set.npz"), home=tmp_path)


FORMS = {
    "medmnist": ("{split}_images", "{split}_labels", ("train", "val", "test")),
    "keras": ("x_{split}", "y_{split}", ("train", "val", "test")),
    "titles": ("{split}_X", "{split}_Y", ("Train", "Valid", "Test")),
}


@pytest.mark.parametrize("form", FORMS)
def test_arrays_of_each_split_are_one_set(tmp_path: Path, form: str) -> None:
    images, labels, splits = FORMS[form]
    arrays: dict[str, object] = {}
    for split, first, last in zip(splits, (0, 18, 24), (18, 24, 30), strict=True):
        arrays[labels.format(split=split)] = LABELS[first:last, np.newaxis].astype(np.uint8)  # N × 1, as MedMNIST's
        arrays[images.format(split=split)] = IMAGES_NHWC[first:last, ..., 0]
    data = load_data_set(saved(tmp_path / "set.npz", **arrays), home=tmp_path)
    assert [data.splits[split].rows_N.tolist() for split in SPLITS] == [
        list(range(18)),
        list(range(18, 24)),
        list(range(24, 30)),
    ]
    assert np.array_equal(data.splits["train"].images_MHWC[..., 0], IMAGES_NHWC[..., 0])
    for rows in data.splits.values():
        assert np.array_equal(rows.labels_N, LABELS[rows.rows_N])


def test_images_are_called_by_their_array(tmp_path: Path) -> None:
    path = saved(tmp_path / "set.npz", x_train=IMAGES_NHWC, y_train=LABELS, x_test=IMAGES_NHWC, y_test=LABELS)
    images = find_source(path, home=tmp_path).contents().images
    assert [images.file_name(row) for row in (0, 29, 30, 59)] == ["x_train 0", "x_train 29", "x_test 0", "x_test 29"]


def test_other_arrays_are_noted(tmp_path: Path) -> None:
    path = saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=LABELS, patient=LABELS, x=LABELS)
    assert find_source(path, home=tmp_path).contents().notes == ("arrays that are not read: patient, x",)
