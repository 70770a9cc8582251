from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from automl.errors import DataError
from automl.export.model_file import load_model
from automl.export.prediction.image_inputs import Pictures, as_pixels
from tests.export.conftest import Trained

GRAY, COLOUR = (1, 8, 6), (3, 8, 6)
GRAY_IMAGE = np.random.default_rng(0).integers(0, 256, (8, 6), np.uint8)
COLOUR_IMAGE = np.random.default_rng(1).integers(0, 256, (8, 6, 3), np.uint8)


def gray_forms() -> dict[str, Pictures]:
    return {
        "H×W": GRAY_IMAGE,
        "H×W×1": GRAY_IMAGE[..., None],
        "1×H×W": GRAY_IMAGE[None],
        "1×H×W×1": GRAY_IMAGE[None, ..., None],
        "float": GRAY_IMAGE / 255,
        "float32": (GRAY_IMAGE / 255).astype(np.float32),
        "PIL": Image.fromarray(GRAY_IMAGE),
        "list of arrays": [GRAY_IMAGE],
        "tensor H×W": torch.from_numpy(GRAY_IMAGE),
        "tensor C×H×W": torch.from_numpy(GRAY_IMAGE)[None],
        "tensor N×C×H×W": torch.from_numpy(GRAY_IMAGE)[None, None],
        "float tensor": torch.from_numpy(GRAY_IMAGE)[None] / 255,
        "bfloat16 tensor": (torch.from_numpy(GRAY_IMAGE // 255 * 255)[None] / 255).bfloat16(),
        "list of tensors": [torch.from_numpy(GRAY_IMAGE)[None]],
        "colour of the same gray": np.repeat(GRAY_IMAGE[..., None], 3, axis=2),
        "opaque RGBA": np.dstack([np.repeat(GRAY_IMAGE[..., None], 3, axis=2), np.full_like(GRAY_IMAGE, 255)]),
    }


@pytest.mark.parametrize("form", gray_forms())
def test_one_gray_image_in_every_form_is_the_same_pixels(form: str) -> None:
    expected = GRAY_IMAGE // 255 * 255 if form == "bfloat16 tensor" else GRAY_IMAGE
    assert np.array_equal(as_pixels(gray_forms()[form], GRAY), expected[None, ..., None])


def colour_forms() -> dict[str, Pictures]:
    return {
        "H×W×C": COLOUR_IMAGE,
        "1×H×W×C": COLOUR_IMAGE[None],
        "float": COLOUR_IMAGE / 255,
        "PIL": Image.fromarray(COLOUR_IMAGE),
        "tensor C×H×W": torch.from_numpy(COLOUR_IMAGE).permute(2, 0, 1),
        "tensor N×C×H×W": torch.from_numpy(COLOUR_IMAGE).permute(2, 0, 1)[None],
        "tuple": (Image.fromarray(COLOUR_IMAGE),),
    }


@pytest.mark.parametrize("form", colour_forms())
def test_one_colour_image_in_every_form_is_the_same_pixels(form: str) -> None:
    assert np.array_equal(as_pixels(colour_forms()[form], COLOUR), COLOUR_IMAGE[None])


def test_gray_becomes_colour_by_repeating_it() -> None:
    assert np.array_equal(as_pixels(GRAY_IMAGE, COLOUR), np.repeat(GRAY_IMAGE[None, ..., None], 3, axis=3))


def test_files_are_read_like_training_data(tmp_path: Path) -> None:
    Image.fromarray(COLOUR_IMAGE).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        assert np.array_equal(as_pixels(path, COLOUR), COLOUR_IMAGE[None])
    assert np.array_equal(as_pixels([tmp_path / "a.png"] * 2, COLOUR), np.stack([COLOUR_IMAGE] * 2))


def test_other_sizes_cover_the_shape_and_are_cropped_to_the_centre() -> None:
    wide = np.zeros((8, 20), np.uint8)
    wide[:, 7:13] = 200  # the middle six columns
    assert np.array_equal(as_pixels(wide, GRAY), np.full((1, 8, 6, 1), 200))
    assert as_pixels(np.zeros((5, 31, 17), np.uint8), GRAY).shape == (5, 8, 6, 1)


def test_pictures_of_the_caller_are_not_changed() -> None:
    picture = Image.fromarray(COLOUR_IMAGE)
    picture.getexif()[0x0112] = 6  # on its side
    as_pixels(picture, GRAY)
    assert picture.size == (6, 8)
    assert picture.mode == "RGB"


@given(arrays.arrays(np.uint8, st.tuples(st.integers(0, 4), st.just(8), st.just(6))))
def test_batch_is_its_images_one_by_one(images_NHW: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]) -> None:
    together = as_pixels(images_NHW, GRAY)
    assert np.array_equal(together, as_pixels(list(images_NHW), GRAY))
    assert np.array_equal(together, as_pixels(torch.from_numpy(images_NHW)[:, None], GRAY))


@given(arrays.arrays(np.uint8, (8, 6)))
def test_float_pixels_mean_the_same_as_bytes(image_HW: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> None:
    assert np.array_equal(as_pixels(image_HW / np.float32(255), GRAY), as_pixels(image_HW, GRAY))


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (np.zeros((3, 8, 6), np.uint8), "3 × 8 × 6 can be one image C×H×W and three gray ones N×H×W. Say which with"),
        (np.zeros((2, 3, 8, 6), np.uint8), "is no batch of images: its channels seem to be first, so use np.moveaxis"),
        (torch.zeros(8, 6, 3), "is no image or batch of images: its channels seem to be last, so use .movedim(-1, -3)"),
        (torch.zeros(2, 8, 6, 3), "its channels seem to be last, so use .movedim(-1, -3)"),
        (torch.zeros(5, 8, 6), "A tensor of shape 5 × 8 × 6 is no image or batch of images. Give paths"),
        (np.zeros(7, np.uint8), "An array of shape 7 is no batch of images. Give paths"),
        (np.zeros((0, 6), np.uint8), "An array of shape 1 × 0 × 6 × 1 is no batch of images"),
        (
            np.zeros((8, 6), np.int64),
            "Pixels of type int64 have no known range. Give uint8 (0 to 255) or float (0 to 1).",
        ),
        (np.full((8, 6), 16.0), "Float pixels go from 0 to 1, and these from 16 to 16. Divide them by"),
        (np.full((8, 6), np.nan), "Float pixels go from 0 to 1, and these from nan to nan."),
        (np.full((8, 6), -0.5), "Float pixels go from 0 to 1, and these from -0.5 to -0.5."),
        ([np.zeros((2, 8, 6, 3), np.uint8)], "An array of shape 2 × 8 × 6 × 3 is no single image."),
        ([np.zeros((8, 6, 2), np.uint8)], "An array of shape 8 × 6 × 2 is no single image."),
        (3, "int is no image. Give paths, PIL images or arrays ("),
        ([None], "NoneType is no image."),
        ("missing.png", "There is no image missing.png."),
    ],
)
def test_what_is_no_image_or_two_is_refused(pictures: Pictures, said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        as_pixels(pictures, COLOUR)


def test_array_that_could_be_one_colour_image_or_many_gray_ones_is_refused() -> None:
    with pytest.raises(DataError, match=re.escape("5 × 8 × 3 can be one image H×W×C and many gray ones N×H×W.")):
        as_pixels(np.zeros((5, 8, 3), np.uint8), (1, 8, 3))


def test_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(COLOUR_IMAGE).save(path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataError, match=re.escape(f"{path} cannot be read as an image: ")):
        as_pixels(path, COLOUR)
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(DataError, match=r"a\.txt cannot be read as an image: cannot identify"):
        as_pixels([tmp_path / "a.txt"], COLOUR)


@pytest.mark.parametrize("form", ["EPS", "PCX", "TGA"])
def test_only_the_formats_of_data_sets_are_opened(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.png"  # Pillow has a reader for each, Ghostscript for the first
    Image.fromarray(COLOUR_IMAGE).save(path, form)
    with pytest.raises(DataError, match=re.escape(f"{path} cannot be read as an image: cannot identify")):
        as_pixels(path, COLOUR)


def test_predictions_name_the_class_with_its_probability(trained: Trained, model_path: Path) -> None:
    model = load_model(model_path)
    test = trained.data.splits["test"]
    images_NHWC = test.images_MHWC[test.rows_N]
    predictions = model.predict(images_NHWC)
    found = sum(p.label == trained.data.class_names[label] for p, label in zip(predictions, test.labels_N, strict=True))
    assert found / len(test) == pytest.approx(trained.test_accuracy)
    assert found / len(test) > 0.8
    for prediction in predictions:
        assert prediction.probability == max(prediction.probabilities.values())
        assert prediction.probabilities[prediction.label] == prediction.probability
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert tuple(prediction.probabilities) == model.classes
    assert predictions[0].as_dict()["probabilities"] == dict(predictions[0].probabilities)


def test_probabilities_are_the_same_alone_and_in_a_batch(trained: Trained, model_path: Path) -> None:
    model = load_model(model_path)
    test = trained.data.splits["test"]
    images_NHWC = test.images_MHWC[test.rows_N[:5]]
    together_NK = model.predict_probabilities(images_NHWC)
    assert (together_NK.dtype, together_NK.shape) == (np.dtype(np.float32), (5, 10))
    alone_NK = np.concatenate([model.predict_probabilities(image) for image in images_NHWC])
    np.testing.assert_allclose(alone_NK, together_NK, atol=1e-6)


def test_no_images_give_no_predictions(model_path: Path) -> None:
    model = load_model(model_path)
    assert model.predict([]) == []
    assert model.predict_probabilities(np.zeros((0, 8, 8), np.uint8)).shape == (0, 10)


def test_read_only_arrays_are_taken_without_a_warning(model_path: Path) -> None:
    image = np.zeros((8, 8), np.uint8)
    image.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(load_model(model_path).predict(image)) == 1
