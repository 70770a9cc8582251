from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest

from automl.data.loading import load_data_set
from automl.data.sources.fer2013 import parse_pixels
from automl.data.sources.references import find_source
from automl.data.split_names import SPLITS
from automl.errors import DataError

REPOSITORY = Path(__file__).parents[3]
ARCHIVE = Path(os.environ.get("AUTOML_FER2013", REPOSITORY.parent / "shared/data/fer2013/archive.zip"))
PIXELS_NHW = np.random.default_rng(0).integers(0, 256, (60, 48, 48), dtype=np.uint8)
USAGES = ["Training"] * 40 + ["PublicTest"] * 10 + ["PrivateTest"] * 10
FORMS = {
    "fer2013.csv": ("emotion,pixels,Usage", "{emotion},{pixels},{usage}"),
    "icml_face_data.csv": ("emotion, Usage, pixels", "{emotion}, {usage}, {pixels}"),
    "train.csv": ("emotion,pixels", '{emotion},"{pixels}"'),
}


def written(folder: Path, name: str) -> str:
    header, line = FORMS[name]
    texts = [" ".join(map(str, pixels.ravel())) for pixels in PIXELS_NHW]
    lines = [
        line.format(emotion=3 * (number % 2), pixels=text, usage=usage)
        for number, (text, usage) in enumerate(zip(texts, USAGES, strict=True))
    ]
    (folder / name).write_text("\n".join([header, *lines]))
    return str(folder / name)


@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_pixels_and_classes(tmp_path: Path, name: str) -> None:
    data = load_data_set(written(tmp_path, name), home=tmp_path)
    assert data.name == "fer2013"
    assert (data.image_shape, data.class_names) == ((1, 48, 48), ("angry", "happy"))
    assert np.array_equal(data.splits["train"].images_MHWC[..., 0], PIXELS_NHW)
    for split in data.splits.values():
        assert np.array_equal(split.labels_N, split.rows_N % 2)
    sizes = [48, 6, 6] if name == "train.csv" else [40, 10, 10]
    assert [len(data.splits[split]) for split in SPLITS] == sizes


def test_competition_zip_gives_its_complete_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "challenge.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FORMS:
            archive.write(written(tmp_path, name), name)
        archive.writestr("test.csv", "pixels\n1 2 3\n")
        archive.writestr("fer2013.tar.gz", b"")
    data = load_data_set(str(tmp_path / "challenge.zip"), home=tmp_path)
    assert data.name == "fer2013"
    assert [len(data.splits[split]) for split in SPLITS] == [40, 10, 10]
    assert data.fingerprint == load_data_set(str(tmp_path / "fer2013.csv"), home=tmp_path).fingerprint


def test_rows_without_a_label_or_with_damaged_pixels_are_reported(tmp_path: Path) -> None:
    path = Path(written(tmp_path, "fer2013.csv"))
    lines = path.read_text().splitlines()
    lines[1] = lines[1].replace("0,", ",", 1)
    path.write_text("\n".join(lines))
    data = load_data_set(str(path), home=tmp_path)
    assert data.notes == ("1 rows without a label are left out (lines 2)",)
    assert np.array_equal(data.splits["train"].images_MHWC[..., 0], PIXELS_NHW[1:])
    lines[2] = "3,1 2 300,Training"
    path.write_text("\n".join(lines))
    with pytest.raises(DataError, match=re.escape("image 0: 3 pixel values instead of 2304\n")):
        load_data_set(str(path), home=tmp_path)


def test_emotions_of_pandas_are_the_same_classes(tmp_path: Path) -> None:
    path = Path(written(tmp_path, "fer2013.csv"))
    lines = path.read_text().splitlines()
    lines[1:3] = [lines[1].replace("0,", "nan,", 1), lines[2].replace("3,", "3.0,", 1)]
    path.write_text("\n".join(lines))
    contents = find_source(str(path), home=tmp_path).contents()
    assert contents.class_names == ("angry", "happy")
    assert contents.labels_M.tolist() == [number % 2 for number in range(1, 60)]
    assert contents.notes == ("1 rows without a label are left out (lines 2)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("7 " * 2303, "2303 pixel values instead of 2304"),
        ("7 " * 2303 + "256", "a pixel value is not from 0 to 255"),
        ("7 " * 2303 + "-1", "a pixel value is not from 0 to 255"),
        ("7 " * 2303 + "x", "a pixel value is no number"),
        ("", "0 pixel values instead of 2304"),
    ],
)
def test_damaged_pixels_say_why(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        parse_pixels(text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("7,1 2 3,Training", "fer2013.csv:2: emotion '7' is none of 0 to 6."),
        ("0,1 2 3,Test", "fer2013.csv:2: Usage 'Test' is none of Training, PublicTest, PrivateTest."),
        ("0,1 2 3", "fer2013.csv:2: 2 values for 3 columns. Repair the line."),
        (",1 2 3,Training", "fer2013.csv: no row has a label in the column emotion."),
        ("", "fer2013.csv: no row has a label in the column emotion."),
    ],
)
def test_unknown_emotion_and_usage_are_refused_with_their_line(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n{line}\n")
    with pytest.raises(DataError, match=re.escape(message)):
        load_data_set(str(tmp_path / "fer2013.csv"), home=tmp_path)


@pytest.mark.skipif(not ARCHIVE.exists(), reason="FER2013's zip is not here; AUTOML_FER2013 says where it is")
def test_fer2013_is_read_from_its_zip_with_the_published_counts(tmp_path: Path) -> None:
    data = load_data_set(str(ARCHIVE), home=tmp_path)
    assert data.name == "fer2013"
    assert data.class_names == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    assert data.image_shape == (1, 48, 48)
    assert [len(data.splits[split]) for split in SPLITS] == [28_709, 3_589, 3_589]
    assert data.class_counts("train").tolist() == [3995, 436, 4097, 7215, 4830, 3171, 4965]
    assert data.left_out == ()
    assert data.notes == (
        "recognized as FER2013: PublicTest is validation, PrivateTest is test, classes in Kaggle's order",
    )
