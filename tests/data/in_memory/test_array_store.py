"""Arrays given in Python, as the file that workers read: the same pixels, the same labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from automl.data.dataset import DataSet
from automl.data.in_memory.array_store import take_arrays_and_labels
from automl.data.loading import load_data_set
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Sizing
from automl.errors import ArrayError

COLOUR = np.random.default_rng(0).integers(0, 256, (30, 6, 5, 3), dtype=np.uint8)
GRAY = COLOUR[..., 0]
WORDS = np.array(["ape", "bee", "cat"])[np.arange(30) % 3]


def loaded(home: Path, images: Any, labels: Any = WORDS, **splits: Any) -> DataSet:
    path = take_arrays_and_labels((images, labels), **splits).store(home)
    return load_data_set(str(path), home=home)


@pytest.mark.parametrize(
    "images",
    [
        COLOUR,
        np.asfortranarray(COLOUR),
        list(COLOUR),
        torch.from_numpy(COLOUR).movedim(-1, 1),
        [torch.from_numpy(image).movedim(-1, 0) for image in COLOUR],
        [Image.fromarray(image) for image in COLOUR],
        COLOUR.tolist(),
        COLOUR / 255,
        (COLOUR / 255).astype(np.float32),
        COLOUR.astype(np.int64),
        COLOUR.astype(">u2"),
        COLOUR / np.longdouble(255),
    ],
    ids=[
        "bytes",
        "columns first",
        "list",
        "tensor",
        "tensors",
        "PIL",
        "nested",
        "float",
        "float32",
        "int",
        "big",
        "long",
    ],
)
def test_pixels_and_labels_are_the_same(images: Any, tmp_path: Path) -> None:
    data = loaded(tmp_path, images)
    assert np.array_equal(data.splits["train"].images_MHWC, COLOUR)
    assert data.class_names == ("ape", "bee", "cat")
    for split in data.splits.values():
        assert np.array_equal(np.array(data.class_names)[split.labels_N], WORDS[split.rows_N])


def test_gray_images_have_one_channel_and_truths_are_black_and_white(tmp_path: Path) -> None:
    assert np.array_equal(loaded(tmp_path, GRAY).splits["train"].images_MHWC, GRAY[..., None])
    truths = loaded(tmp_path, GRAY > 127)
    assert np.array_equal(truths.splits["train"].images_MHWC, (GRAY > 127)[..., None] * 255)


def test_deep_arrays_have_the_scale_of_the_training_images(tmp_path: Path) -> None:
    values = GRAY.astype(np.uint16) * 16
    data = loaded(tmp_path, values)
    assert data.pixel_range == PixelRange(0, 4096)
    assert np.array_equal(data.splits["train"].images_MHWC[..., 0], GRAY)
    pictures = [Image.fromarray(image) for image in values]
    assert loaded(tmp_path, pictures).fingerprint == data.fingerprint


def test_pictures_of_many_sizes_are_read_as_those_of_a_folder(tmp_path: Path) -> None:
    pictures = [Image.fromarray(image[: 4 + row % 3]) for row, image in enumerate(COLOUR)]
    for row, (picture, word) in enumerate(zip(pictures, WORDS, strict=True)):
        (tmp_path / "set" / word).mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / "set" / word / f"{row:02}.png")
    paths = [path for word in np.unique(WORDS) for path in sorted((tmp_path / "set" / word).iterdir())]
    expected = load_data_set(str(tmp_path / "set"), home=tmp_path).splits["train"].images_MHWC
    order = [int(path.stem) for path in paths]
    for given in ([pictures[row] for row in order], paths, np.array([str(path) for path in paths])):
        found = loaded(tmp_path, given, WORDS[order]).splits["train"].images_MHWC
        assert np.array_equal(found, expected)


def test_given_splits_are_kept(tmp_path: Path) -> None:
    data = loaded(tmp_path, GRAY[:20], WORDS[:20], validation=(GRAY[20:25], WORDS[20:25]), test=(GRAY[25:], WORDS[25:]))
    assert {name: len(split) for name, split in data.splits.items()} == {"train": 20, "validation": 5, "test": 5}
    assert np.array_equal(data.splits["test"].rows_N, np.arange(25, 30))


def test_same_content_is_written_once_and_other_content_beside_it(tmp_path: Path) -> None:
    first = take_arrays_and_labels((GRAY, WORDS)).store(tmp_path)
    written = first.stat()
    assert take_arrays_and_labels((list(GRAY), list(WORDS))).store(tmp_path) == first
    assert first.stat() == written
    other = GRAY.copy()
    other[-1, -1, -1] ^= 1
    assert take_arrays_and_labels((other, WORDS)).store(tmp_path) != first
    assert take_arrays_and_labels((GRAY, np.roll(WORDS, 1))).store(tmp_path) != first
    assert len(list((tmp_path / "arrays").iterdir())) == 3


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        (WORDS.tolist(), WORDS[:3], ("ape", "bee", "cat")),
        (WORDS.astype(object), WORDS[:3].astype(object), ("ape", "bee", "cat")),
        (np.arange(30) % 3 - 1, np.array([-1, 0, 1]), ("-1", "0", "1")),
        (np.arange(30) % 2 == 0, np.array([False, True]), ("False", "True")),
        ((np.arange(30) % 3).astype(np.float64), np.array([0.0, 1.0, 2.0]), ("0", "1", "2")),
        ((np.arange(30) % 3).astype(np.uint8)[:, None], np.arange(3, dtype=np.uint8), ("0", "1", "2")),
        (pd.Series(WORDS, index=range(7, 37)), WORDS[:3].astype(object), ("ape", "bee", "cat")),
        (pd.Categorical(WORDS, ["dog", "cat", "bee", "ape"]), WORDS[:3].astype(object), ("ape", "bee", "cat")),
        ([np.int32(row % 3) for row in range(30)], np.arange(3, dtype=np.int32), ("0", "1", "2")),
        (np.array([b"a", b"b"] * 15), np.array([b"a", b"b"]), ("a", "b")),
        (np.array(["None", "nan", "007"] * 10), np.array(["007", "None", "nan"]), ("007", "None", "nan")),
        (torch.arange(30) % 3, np.arange(3), ("0", "1", "2")),
    ],
    ids=str,
)
def test_classes_are_those_of_numpy_in_their_own_type(labels: Any, classes: Any, names: tuple[str, ...]) -> None:
    found = take_arrays_and_labels((GRAY, labels)).labels
    assert (found.classes_K.dtype.kind, found.class_names) == (classes.dtype.kind, names)
    assert np.array_equal(found.classes_K, classes)
    assert np.array_equal(found.classes_K[found.numbers_N], np.asarray(labels).reshape(-1))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (GRAY[:0], [], "X is 0 × 6 × 5: there is no image in it. Give at least two of each class."),
        ([], [], "X is empty: there is no image in it. Give at least two of each class."),
        (
            np.zeros((30, 64)),
            WORDS,
            "X is 30 × 64, and images are N × H × W (gray) or N × H × W × C with C = 1 or 3. If each row is one image, "
            "give X.reshape(-1, 8, 8).",
        ),
        (pd.DataFrame(np.zeros((30, 3072))), WORDS, "If each row is one image, give X.reshape(-1, 32, 32, 3)."),
        (np.zeros((30, 60)), WORDS, "If each row is one image, give X.reshape(-1, height, width)."),
        (np.zeros(30), WORDS, "X is 30, and images are N × H × W (gray)"),
        (GRAY[:, :, :3], WORDS, "X is 30 × 6 × 3: that may be one image H × W × C, or gray images of 3 pixels width."),
        (np.moveaxis(COLOUR, -1, 1), WORDS, "Its channels seem to be first: give numpy.moveaxis(X, 1, -1)."),
        (np.zeros((30, 6, 5, 4), np.uint8), WORDS, "Leave the alpha channel out: X[..., :3]."),
        (np.zeros((30, 6, 5, 7)), WORDS, "Choose one channel or three: X[..., :3]."),
        (np.zeros((30, 2, 6, 5, 3)), WORDS, "A series of images is no image: give each one a label of its own."),
        (torch.zeros((30, 3, 6, 3)), WORDS, "X is 30 × 3 × 6 × 3: its channels may be first or last."),
        (torch.from_numpy(COLOUR), WORDS, "Its channels seem to be last: give X.movedim(-1, 1)."),
        (GRAY.astype(str), WORDS, "X is 30 × 6 × 5 of <U3: pixels are numbers. Give uint8, or float from 0 to 1;"),
        (GRAY.astype(complex), WORDS, "of complex128: pixels are numbers."),
        (["no_such.png"] * 30, WORDS, "X[0]: there is no image no_such.png."),
        ([GRAY[0], GRAY[1, :3]], WORDS[:2], "X[1] is 3 × 5 of uint8, and X[0] is 6 × 5 of uint8: arrays in a list are"),
        ([Image.fromarray(GRAY[0]), GRAY[1]], WORDS[:2], "X[1] is ndarray, and X[0] is Image. Give PIL images and"),
        (
            np.where(np.arange(30)[:, None, None] == 7, np.nan, GRAY),
            WORDS,
            "X has NaN or infinity in it (first: X[7]). Leave these images out, or replace the pixels",
        ),
        (GRAY, WORDS[:-1], "y has 29 labels for 30 images. Give one label an image."),
        (GRAY, None, "ImageClassifier requires y to be passed, but the target y is None."),
        (GRAY, ["ape"] * 30, "y has only one class, 'ape': a classifier needs at least two."),
        (GRAY, np.eye(30), "y is 30 × 30: bad input shape for labels, which are N. Of one-hot rows give y.argmax"),
        (
            GRAY,
            np.where(np.arange(30) == 4, np.nan, 1.0),
            "y contains NaN or None: 1 images have no label (first: y[4])",
        ),
        (GRAY, np.arange(30) / 7, "y has numbers such as 0.142857. Unknown label type: continuous."),
        (GRAY, np.where(np.arange(30) == 4, np.inf, 1.0), "y contains infinity, which is no class."),
        (GRAY, np.array(["ape", 1] * 15, object), "y mixes labels of the types int, str, which have no order."),
        (
            GRAY,
            ["ape", " ape "] * 15,
            "y has the labels ' ape ' and 'ape', which look the same. Give each its own name.",
        ),
        (GRAY, ["ape", ""] * 15, "y has the label '', in which nothing is visible. Give the class a name."),
        (GRAY, np.array(["2026-01-01"] * 30, "M8[D]"), "y is of type datetime64[D], and labels are words, numbers or"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_what_cannot_be_learnt_from_is_refused(images: Any, labels: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ArrayError, match=re.escape(message)):
        take_arrays_and_labels((images, labels)).store(tmp_path)
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ((GRAY[:, :3], WORDS), "X of validation has images of 3 × 5 × 1 of uint8, and X of 6 × 5 × 1 of uint8. Bring"),
        ((GRAY / 255, WORDS), "X of validation has images of 6 × 5 × 1 of float64, and X of 6 × 5 × 1 of uint8."),
        ((GRAY, ["dog"] * 30), "y of validation has the label 'dog', which no training image has."),
        (GRAY, "validation is ndarray: give a pair of images and labels, validation=(X, y)."),
        (
            ([Image.fromarray(GRAY[0])], WORDS[:1]),
            "X of validation is a list of pictures, and the other splits are arrays",
        ),
    ],
)
def test_splits_that_do_not_fit_together_are_refused(validation: Any, message: str) -> None:
    with pytest.raises(ArrayError, match=re.escape(message)):
        take_arrays_and_labels((GRAY, WORDS), validation=validation)


def test_size_that_is_asked_for_is_that_of_pictures(tmp_path: Path) -> None:
    pictures = [Image.fromarray(image) for image in GRAY]
    found = take_arrays_and_labels((pictures, WORDS), sizing=Sizing(12, "pad"))
    assert found.batches[0].shape_NHWC == (30, 12, 12, 1)
