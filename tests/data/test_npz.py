from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
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
            {"images": IMAGES_NHWC, "labels": LABELS, "split": np.repeat(["dev"], 30)},
            "'dev' is no split. Known: train,",
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
