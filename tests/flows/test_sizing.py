"""`--image-size` and `--fit` from the command line to the exported model, and back by the recipe file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from automl.data.loading import load_data_set
from automl.data.sizing import Sizing
from automl.export.model_file import load_model
from automl.export.prediction.image_inputs import as_pixels
from tests.conftest import Automl

SPACE = "parameters:\n  depth: {value: 0}\n  hidden_dim: {value: 8}\n  epochs: {value: 2}\n  batch_size: {value: 16}\n"
SIZE = ("--image-size", "12", "--fit", "pad")
SIZING = Sizing(12, "pad")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Bright and dark pictures of 40 × 20 pixels."""
    random = np.random.default_rng(0)
    for name, light in (("bright", 128), ("dark", 0)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(40):
            pixels_HW = random.integers(light, light + 128, (20, 40), np.uint8)
            Image.fromarray(pixels_HW).save(tmp_path / "photos" / name / f"{number:02}.png")
    return tmp_path / "photos"


def test_study_model_and_recipe_file_keep_size_and_fit(automl: Automl, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    asked = ("search", "--data", "photos", "--space", "space.yaml", "--trials", "1", "--workers", "1", "--study", "s")
    done = automl(*asked, *SIZE, "--export", "model.pt", "--json")
    assert done.returncode == 0, done.stderr
    assert "are brought to 12 × 12 (as asked): resized to fit into it, black around" in done.stderr

    model = load_model(tmp_path / "model.pt")
    assert (model.card.image_shape, model.card.sizing) == ((1, 12, 12), SIZING)
    data = load_data_set(str(photos), home=tmp_path, sizing=SIZING)
    files = sorted(photos.rglob("*.png"))
    pixels_NHWC = as_pixels(files, model.card.image_shape, model.card.sizing.fit)
    assert np.array_equal(pixels_NHWC, data.splits["train"].images_MHWC)
    by_file = model.predict_probabilities(files)
    assert np.array_equal(by_file, model.predict_probabilities(pixels_NHWC))

    evaluated = json.loads(automl("evaluate", "model.pt", "--data", "photos", "--json").stdout)
    assert evaluated["accuracy"] == pytest.approx(model.metrics["test_accuracy"])

    other = automl(*asked, "--image-size", "12")
    assert other.returncode == 2
    assert (
        "images: it has --image-size 12 --fit pad (1 × 12 × 12), "
        "this command asks for --image-size 12 --fit crop (1 × 12 × 12)"
    ) in other.stderr

    (tmp_path / "recipe.yaml").write_text(automl("show", "0", "s", "--recipe").stdout)
    repeated = json.loads(automl("train", "recipe.yaml", "--data", "photos", "--json").stdout)
    assert repeated["value"] == json.loads(done.stdout)["best"]["value"]


def test_flag_overrides_the_recipe_file(automl: Automl, photos: Path, tmp_path: Path) -> None:
    recipe = "depth: 0\nhidden_dim: 8\nepochs: 1\nrun:\n  image_size: 12\n  fit: pad\n"
    (tmp_path / "recipe.yaml").write_text(recipe)
    done = automl("train", "recipe.yaml", "--data", "photos", "--fit", "stretch", "--export", "model.pt")
    assert done.returncode == 0, done.stderr
    assert load_model(tmp_path / "model.pt").card.sizing == Sizing(12, "stretch")
