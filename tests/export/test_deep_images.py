"""Images of more than 8 bits, from the training to every way of asking the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from automl.data.decoding.depth import scale_to_grays
from automl.data.loading import load_data_set
from automl.data.pixel_range import SIXTEEN_BITS, PixelRange
from automl.errors import DataError
from automl.export.card import ModelCard
from automl.export.model_file import load_model
from automl.export.prediction.image_files import find_images
from automl.export.prediction.image_inputs import as_pixels
from automl.export.prediction.model import Model
from automl.export.prediction.predicting import predict_files
from automl.export.single_run import RecipeFile, train_recipe
from automl.export.test_evaluation import evaluate
from automl.recipe import Recipe
from tests.data.deep_pictures import save_deep, save_deep_classes
from tests.export.conftest import Trained

TWELVE_BITS = PixelRange(0, 4096)
SHAPE = (1, 8, 8)


def halves(random: np.random.Generator, label: int) -> npt.NDArray[Any]:
    """Dark or bright, in the lower 8 of 16 bits: told apart with ease, unless all of them become black."""
    return random.integers(128 * label, 128 * label + 128, (8, 8)).astype(np.uint16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_deep_classes(tmp_path_factory.mktemp("deep") / "set", halves, each=40)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    """Trained on them, exported and loaded again."""
    file = RecipeFile(recipe=Recipe(epochs=6, batch_size=16, width=16, depth=1, learning_rate=0.01))
    path = folder.parent / "model.pt"
    done = train_recipe(
        file, str(folder), home=folder.parent, export=path, device="cpu", model=None, log=lambda line: None
    )
    assert done.value == 1.0
    return load_model(path)


def test_every_way_of_asking_gives_the_same_answer(folder: Path, model: Model) -> None:
    paths = sorted(folder.rglob("*.png"))[::8]
    from_files = predict_files(model, find_images(map(str, paths))).predictions.values()
    images = [Image.open(path) for path in paths]
    array_NHW = np.stack([np.asarray(image) for image in images])
    tensor_NCHW = torch.from_numpy(array_NHW.astype(np.int32))[:, None]
    probabilities_NK = np.array([list(one.probabilities.values()) for one in from_files])
    for pictures in (paths, images, array_NHW, tensor_NCHW, list(array_NHW)):
        assert np.array_equal(model.predict_probabilities(pictures), probabilities_NK.astype(np.float32))
    assert [one.label for one in from_files] == [path.parent.name for path in paths]


def test_evaluation_scales_other_data_as_the_model_does(folder: Path, model: Model, tmp_path: Path) -> None:
    def dark(random: np.random.Generator, label: int) -> npt.NDArray[Any]:
        return halves(random, label) if label else random.integers(0, 16, (8, 8)).astype(np.uint16)

    other = save_deep_classes(tmp_path / "other", dark, each=20)
    scale = model.card.pixel_range
    assert scale == PixelRange(0, 256)
    data = load_data_set(str(other), home=tmp_path, pixel_range=scale)
    assert evaluate(model, data, "test").accuracy == 1.0
    split = data.splits["train"]
    own = as_pixels(sorted(other.rglob("*.png")), SHAPE, scale=scale)
    assert np.array_equal(split.images_MHWC, own)


def test_card_for_people_and_for_programs_say_how_they_are_scaled(folder: Path, model: Model) -> None:
    sentence = (
        "- Of images of more than 8 bits, the values from 0 to 255 become 256 grays in equal steps, as in the "
        "training; what is outside is black or white. Images of 8 bits stay as they are.\n"
    )
    assert sentence in (folder.parent / "model.md").read_text()
    document = json.loads(json.dumps(model.card.as_document()))
    assert document["deep_images"] == {
        "low": 0,
        "stop": 256,
        "floats": False,
        "trained": True,
        "uint8": "clip(floor((value - 0) * 256 / 256), 0, 255)",
    }
    assert ModelCard.from_document(document) == model.card


def test_model_of_eight_bits_takes_the_upper_half_of_sixteen_and_says_so(trained: Trained) -> None:
    document = trained.card.as_document()
    assert document["deep_images"] == {
        "low": 0,
        "stop": 65536,
        "floats": False,
        "trained": False,
        "uint8": "clip(floor((value - 0) * 256 / 65536), 0, 255)",
    }
    assert ModelCard.from_document(document).pixel_range is None
    del document["deep_images"]  # as an earlier automl wrote it
    assert ModelCard.from_document(document).pixel_range is None
    values_HW = np.random.default_rng(0).integers(0, 65536, (8, 8)).astype(np.uint16)
    expected = (values_HW >> 8)[None, ..., None]
    for scale in (None, SIXTEEN_BITS):
        assert np.array_equal(as_pixels(Image.fromarray(values_HW), SHAPE, scale=scale), expected)


def test_deep_colours_are_the_same_as_path_image_and_array(tmp_path: Path) -> None:
    values_HWC = np.random.default_rng(0).integers(0, 4096, (8, 8, 3)).astype(np.uint16)
    save_deep(tmp_path / "image.png", values_HWC)
    for picture in (tmp_path / "image.png", Image.open(tmp_path / "image.png"), values_HWC):
        assert np.array_equal(as_pixels(picture, (3, 8, 8), scale=TWELVE_BITS)[0], values_HWC >> 4)


def test_floats_are_values_where_training_images_were_such(tmp_path: Path) -> None:
    values_HW = np.random.default_rng(0).normal(size=(8, 8)).astype(np.float32)
    save_deep(tmp_path / "image.tif", values_HW)
    scale = PixelRange(-2.0, 2.0, floats=True)
    expected = scale_to_grays(values_HW, scale)[None, ..., None]
    for picture in (tmp_path / "image.tif", Image.fromarray(values_HW), values_HW, torch.from_numpy(values_HW)):
        assert np.array_equal(as_pixels(picture, SHAPE, scale=scale), expected)
    shares_HW = np.abs(values_HW) / np.abs(values_HW).max()
    assert np.array_equal(
        as_pixels(shares_HW, SHAPE, scale=TWELVE_BITS), np.rint(shares_HW * 255).astype(np.uint8)[None, ..., None]
    )


def test_pixels_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    save_deep(path, np.zeros((8, 8), np.float32))
    for scale, why in (
        (
            TWELVE_BITS,
            "its pixels are floating-point numbers, and the scale of the training images is one of whole numbers of "
            "more than 8 bits",
        ),
        (
            None,
            "its pixels are floating-point numbers, and no training image has such; save it with 8 or 16 bits",
        ),
    ):
        with pytest.raises(DataError) as refused:
            as_pixels(path, SHAPE, scale=scale)
        assert str(refused.value) == f"{path} cannot be read as an image: {why}"
