from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import NearestCentroid

from automl.data.dataset import DataSet, Split
from automl.data.inspection.overview import Inspection, inspect_data, sample_images
from automl.data.loading import load_data_set
from automl.errors import DataError
from tests.data.pictures import save_classes


def looked(reference: Path | str, home: Path) -> Inspection:
    return inspect_data(str(reference), home=home, log=lambda sentence: None)


def scene(seed: int) -> Image.Image:
    """A smooth picture of 64 × 48 pixels, unlike that of any other seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Given splits of two classes: 20 + 5 + 5 scenes of each."""
    for seed, (split, name, number) in enumerate(
        (split, name, number)
        for split, count in (("train", 20), ("val", 5), ("test", 5))
        for name in "ab"
        for number in range(count)
    ):
        path = tmp_path / "scenes" / split / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(seed).save(path)
    return tmp_path / "scenes"


def test_different_scenes_have_no_duplicates(scenes: Path, tmp_path: Path) -> None:
    found = looked(scenes, tmp_path)
    assert (found.exact.groups, found.near.groups) == (0, 0)
    assert found.advice() == ()


def test_copies_are_found_within_and_across_splits_and_under_other_labels(scenes: Path, tmp_path: Path) -> None:
    for source, copy in (
        ("train/a/0.png", "train/a/copy.png"),
        ("train/a/1.png", "val/a/copy.png"),
        ("train/b/2.png", "test/a/other label.png"),
    ):
        Image.open(scenes / source).save(scenes / copy, compress_level=1)  # other bytes, the same pixels
    exact = looked(scenes, tmp_path).exact
    assert (exact.groups, exact.images, exact.within_a_split, exact.across_splits) == (3, 6, 1, 2)
    assert exact.also_in_train == {"validation": 1, "test": 1}
    assert exact.contradictory == 1
    assert set(exact.examples) == {
        ("train/a/1.png", "val/a/copy.png"),
        ("train/b/2.png", "test/a/other label.png"),
        ("train/a/0.png", "train/a/copy.png"),
    }
    assert exact.examples[2] == ("train/a/0.png", "train/a/copy.png")


def test_another_compression_size_or_brightness_is_near(scenes: Path, tmp_path: Path) -> None:
    original = Image.open(scenes / "train/a/0.png")
    original.save(scenes / "val/a/compressed.jpg", quality=40)
    Image.open(scenes / "train/a/1.png").resize((320, 240)).save(scenes / "val/a/large.png")
    ImageEnhance.Brightness(Image.open(scenes / "train/a/2.png")).enhance(0.8).save(scenes / "test/a/dark.png")
    found = looked(scenes, tmp_path)
    assert found.exact.groups == 0
    assert (found.near.groups, found.near.across_splits) == (3, 3)
    assert found.near.also_in_train == {"validation": 2, "test": 1}
    assert found.advice() == (
        "Similar images in train and validation: 2 of validation. Its accuracy flatters.",
        "Similar images in train and test: 1 of test. Its accuracy flatters.",
    )


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_ has:UserWarning")  # digits have empty corners
def test_accuracies_to_beat_are_those_of_scikit_learn(tmp_path: Path) -> None:
    found = looked("digits", tmp_path)
    train, validation = found.data.splits["train"], found.data.splits["validation"]
    for model, accuracy in (
        (DummyClassifier(), found.baselines.majority),
        (NearestCentroid(), found.baselines.nearest_centroid),
    ):
        model.fit(values(train), train.labels_N)
        assert accuracy == pytest.approx(model.score(values(validation), validation.labels_N))
    assert found.baselines.nearest_centroid > 0.8


def values(split: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return split.images_MHWC[split.rows_N].reshape(len(split), -1).astype(float)


def test_unreadable_files_are_all_listed_however_many(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "set", {"a": 20, "b": 20})
    for number in range(9):
        (root / "a" / f"{number:03}.png").write_bytes(b"?")
    assert looked(root, tmp_path).unreadable == tuple((f"a/{number:03}.png", "not an image") for number in range(9))
    with pytest.raises(DataError, match="9 of 40 images cannot be read"):
        load_data_set(str(root), home=tmp_path)


def test_sizes_and_modes_are_those_of_the_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number, (mode, size) in enumerate((("L", (20, 30)), ("RGB", (40, 30)), ("RGB", (50, 10)))):
            Image.new(mode, size, number).save(tmp_path / "set" / name / f"{number}.png")
    originals = looked(tmp_path / "set", tmp_path).originals
    assert (originals.smallest, originals.median, originals.largest) == ((10, 20), (30, 40), (30, 50))
    assert originals.modes == {"RGB": 4, "L": 2}


@pytest.mark.parametrize(("small", "suggested"), [(4, True), (8, False)])
def test_macro_f1_is_suggested_above_ten_to_one(tmp_path: Path, small: int, suggested: bool) -> None:
    found = looked(save_classes(tmp_path / "set", {"large": 60, "small": small}), tmp_path)
    assert any("Search with --metric macro_f1." in sentence for sentence in found.advice()) == suggested


def test_document_is_json_with_counts_by_split(tmp_path: Path) -> None:
    document = json.loads(json.dumps(looked("digits", tmp_path).as_dict()))
    assert document["splits"]["train"]["0"] == 142
    assert document["originals"]["modes"] == {"L": 1797}
    assert (document["image_size"], document["fit"]) == (None, "crop")


def test_samples_are_of_train_and_evenly_taken(tmp_path: Path) -> None:
    data: DataSet = load_data_set("digits", home=tmp_path)
    train = data.splits["train"]
    samples = sample_images(data, each=10)
    assert [len(images) for images in samples] == [10] * 10
    rows = train.rows_N[train.labels_N == 3]
    assert np.array_equal(samples[3][[0, -1]], train.images_MHWC[rows[[0, -1]]])
    assert len(sample_images(data, each=10**4)[3]) == len(rows)
