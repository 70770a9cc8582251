from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from automl.data.dataset import SPLITS
from automl.data.loading import load_data_set
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


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES_NHWC}, "has no array 'labels'. Expected: images, N × H × W"),
        ({"images": IMAGES_NHWC / 255, "labels": LABELS}, "'images' is 30 × 5 × 4 × 3 of float64. Expected"),
        ({"images": IMAGES_NHWC[..., :2], "labels": LABELS}, "'images' is 30 × 5 × 4 × 2 of uint8. Expected"),
        ({"images": IMAGES_NHWC, "labels": LABELS[:-1]}, "'labels' is 29 of int64 for 30 images. Expected"),
        (
            {"images": IMAGES_NHWC, "labels": LABELS, "split": np.repeat(["holdout"], 30)},
            "set.npz: image 0: 'holdout' is no split. Known: train,",
        ),
        (
            {"images": IMAGES_NHWC, "labels": np.array([print] * 30)},
            "'labels' is 30 of object for 30 images. Expected",
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
        (np.array(["a\0b", "c\x1b", "d"])[LABELS], ("a\\x00b", "c\\x1b", "d")),
    ],
)
def test_labels_of_any_plain_type_are_read(
    tmp_path: Path, labels: npt.NDArray[np.generic], class_names: tuple[str, ...]
) -> None:
    data = load_data_set(saved(tmp_path / "set.npz", images=IMAGES_NHWC, labels=labels), home=tmp_path)
    assert data.class_names == class_names
    numbers = LABELS > 0 if len(class_names) == 2 else LABELS
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, numbers[split.rows_N])


@pytest.mark.parametrize("labels", [np.array(["", "bee", "cat"])[LABELS], np.where(LABELS == 0, np.nan, LABELS)])
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
