from __future__ import annotations

import dataclasses
import pickle
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from automl.errors import ModelError, ModelFileError, TrainingError
from automl.export.card import ModelCard
from automl.export.model_file import FORMAT, VERSION, load_model
from automl.recipe import Recipe
from tests.export.conftest import Trained, save_model


def build(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """A network of the user's own."""
    channels, height, width = image_shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))


def test_loaded_model_is_the_saved_one(trained: Trained, model_path: Path) -> None:
    model = load_model(model_path)
    assert model.card == trained.card
    assert model.classes == tuple("0123456789")
    assert (model.recipe, model.metrics) == (trained.card.recipe, trained.card.metrics)
    state = model.classifier.get_submodule("members.0.network").state_dict()
    assert state.keys() == trained.weights.keys()
    assert all(torch.equal(state[name], weight) for name, weight in trained.weights.items())


def test_file_holds_tensors_and_plain_values_alone(model_path: Path) -> None:
    document = torch.load(model_path, weights_only=True)
    assert (document["format"], document["version"]) == (FORMAT, VERSION)
    assert document["input"] == {"channels": 1, "height": 8, "width": 8, "image_size": None, "fit": "crop"}
    assert document["provenance"]["torch_version"] == torch.__version__
    assert document["provenance"]["study"] == "digits"


def test_half_precision_weights_are_stored_as_float32(trained: Trained, tmp_path: Path) -> None:
    halves = {name: w.half() if w.is_floating_point() else w for name, w in trained.weights.items()}
    save_model(tmp_path / "m.pt", trained.card, [halves])
    stored = torch.load(tmp_path / "m.pt", weights_only=True)["weights"][0]
    assert {weight.dtype for weight in stored.values()} == {torch.float32, torch.int64}
    load_model(tmp_path / "m.pt")


def test_loading_leaves_the_random_numbers_of_the_caller_alone(model_path: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    load_model(model_path)
    assert torch.equal(torch.rand(3), expected)


def test_missing_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    with pytest.raises(ModelFileError, match=f"^{re.escape(f'There is no file {path}.')}$"):
        load_model(path)


@pytest.mark.parametrize("name", ["model.pt2", "model.onnx"])
def test_other_formats_are_not_even_opened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    sentence = f"{path} is for other programs: load_model, evaluate and predict take automl's own .pt alone. "
    with pytest.raises(ModelFileError, match=re.escape(sentence)):
        load_model(path)


def test_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=re.escape(f"Cannot read {tmp_path}: Is a directory.")):
        load_model(tmp_path)


def foreign_files(folder: Path) -> dict[str, str]:
    """What was found to be wrong, by the name of a file that is no exported model."""
    (folder / "text").write_text("hello, I am a text\n" * 9)
    (folder / "empty").write_bytes(b"")
    (folder / "pickle").write_bytes(pickle.dumps({"format": FORMAT}))
    torch.save({"format": FORMAT}, folder / "legacy", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(folder / "zip", "w") as archive:
        archive.writestr("a/readme.txt", "hello")
    torch.save(nn.Linear(2, 2).state_dict(), folder / "state_dict")
    torch.save(nn.Linear(2, 2), folder / "module")
    torch.save([1, 2, 3], folder / "list")
    with zipfile.ZipFile(folder / "deflated", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", b"0" * 10_000)
    return {
        "text": "it is no file of torch",
        "empty": "it is no file of torch",
        "pickle": "it is no file of torch",
        "legacy": "it is no file of torch",
        "zip": "it is a zip of something else",
        "state_dict": "it is a file of torch, but not one that automl exported",
        "module": "it holds other things than dense tensors and plain values",
        "list": "it is a file of torch, but not one that automl exported",
        "deflated": "it is compressed, which torch never does",
    }


def test_foreign_files_get_one_sentence_that_says_what_they_are(tmp_path: Path) -> None:
    for name, reason in foreign_files(tmp_path).items():
        path = tmp_path / name
        sentence = f"{path} is no exported model: {reason}. Make one with: automl best --export model.pt"
        with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
            load_model(path)


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_file_is_never_run(tmp_path: Path, trained: Trained) -> None:
    trace = tmp_path / "trace"
    document = torch.load(save(tmp_path, trained), weights_only=True) | {"metrics": Malicious(trace)}
    torch.save(document, tmp_path / "bad.pt")
    with pytest.raises(ModelFileError, match="it holds other things than dense tensors and plain values"):
        load_model(tmp_path / "bad.pt")
    assert not trace.exists()
    torch.load(tmp_path / "bad.pt", weights_only=False)
    assert trace.exists()  # the file was dangerous


def save(folder: Path, trained: Trained) -> Path:
    save_model(folder / "m.pt", trained.card, [trained.weights])
    return folder / "m.pt"


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_damaged(model_path: Path, tmp_path: Path, share: float) -> None:
    content = model_path.read_bytes()
    path = tmp_path / "m.pt"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ModelFileError, match=re.escape(f"{path} is damaged: ")):
        load_model(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_flipped_bit_is_noticed_or_harmless(model_path: Path, tmp_path: Path, position: float, bit: int) -> None:
    content = bytearray(model_path.read_bytes())
    content[int(position * len(content))] ^= 1 << bit
    path = tmp_path / "flipped.pt"
    path.write_bytes(bytes(content))
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    try:
        probabilities = load_model(path).predict_probabilities(image)
    except ModelFileError:
        return
    assert np.array_equal(probabilities, load_model(model_path).predict_probabilities(image))


def rewritten(model_path: Path, folder: Path, **changes: object) -> Path:
    path = folder / "changed.pt"
    torch.save(torch.load(model_path, weights_only=True) | changes, path)
    return path


def test_newer_format_asks_for_an_upgrade(model_path: Path, tmp_path: Path) -> None:
    path = rewritten(model_path, tmp_path, version=4)
    sentence = (
        f"{path} has format version 4, and automl here reads versions 1 to 3. "
        "Upgrade it: pip install --upgrade optuna-automl"
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
        load_model(path)


def test_file_of_the_first_version_is_still_read(trained: Trained, model_path: Path, tmp_path: Path) -> None:
    document = torch.load(model_path, weights_only=True)
    (member,), (weights,) = document.pop("members"), document.pop("weights")
    for name in ("temperature", "tta_temperature", "tta"):
        del document[name]
    old = {name: member[name] for name in ("recipe", "normalization")}
    provenance = document["provenance"] | {"trial": 3}
    path = tmp_path / "old.pt"
    torch.save(document | old | {"version": 1, "weights": weights, "provenance": provenance}, path)
    model = load_model(path)
    assert model.card == trained.card
    images = trained.data.splits["test"].images_MHWC[:9]
    assert np.array_equal(model.predict_probabilities(images), load_model(model_path).predict_probabilities(images))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": None}, "is damaged: its description is incomplete (TypeError"),
        ({"input": {}}, "is damaged: its description is incomplete (KeyError: 'channels')"),
        ({"provenance": {"nonsense": 1}}, "is damaged: its description is incomplete (TypeError"),
        ({"members": []}, "is damaged: its description is incomplete (ValueError: it has no network)"),
        ({"temperature": 0.0}, "is damaged: its description is incomplete (ValueError: 0 is not positive)"),
        (
            {"members": [{"recipe": {"depht": 1}}]},
            "has a recipe that automl here does not know: unknown parameter 'depht'",
        ),
        ({"weights": []}, "does not fit together: its weights are not those of the network that its recipe makes"),
        ({"weights": [{}]}, "does not fit together: its weights are not those of the network that its recipe makes"),
        ({"weights": 3}, "does not fit together: its weights"),
        ({"classes": ["a", "b"]}, "does not fit together: its weights"),
        ({"input": {"channels": 1, "height": 1, "width": 1}}, "does not fit together: depth = 1 with stem conv3"),
    ],
)
def test_contradictions_in_a_file_are_told(
    model_path: Path, tmp_path: Path, changes: dict[str, object], said: str
) -> None:
    path = rewritten(model_path, tmp_path, **changes)
    with pytest.raises(ModelFileError, match=re.escape(f"{path} {said}")):
        load_model(path)


def custom_model(trained: Trained, folder: Path, builder: str) -> Path:
    provenance = dataclasses.replace(trained.card.provenance, builder=builder)
    card = dataclasses.replace(trained.card, provenance=provenance)
    network = build(card.recipe, card.image_shape, len(card.classes))
    save_model(folder / "own.pt", card, [network.state_dict()])
    return folder / "own.pt"


OWN = f"{__name__}:build"


def test_network_of_ones_own_is_loaded_by_the_same_name(trained: Trained, tmp_path: Path) -> None:
    path = custom_model(trained, tmp_path, OWN)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    model = load_model(path, model=OWN)
    assert torch.equal(torch.rand(3), expected)
    assert model.predict_probabilities(np.zeros((8, 8), np.uint8)).shape == (1, 10)


def test_file_cannot_make_automl_import_code(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hostile_module.py").write_text("def build(*_): ...")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = custom_model(trained, tmp_path, "hostile_module:build")
    sentence = (
        f"{path} needs the network hostile_module:build, and none was given: code is not in the file, and not imported "
        "on its word. If you trust it, give --model hostile_module:build, "
        'or load_model(..., model="hostile_module:build").'
    )
    with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
        load_model(path)
    with pytest.raises(ModelFileError, match=re.escape(f"hostile_module:build, and {OWN} was given")):
        load_model(path, model=OWN)
    assert "hostile_module" not in sys.modules


def test_network_given_for_a_model_of_the_family_is_refused(model_path: Path) -> None:
    with pytest.raises(ModelFileError, match=re.escape(f"Leave the model {OWN} out.")):
        load_model(model_path, model=OWN)


def test_network_that_cannot_be_found_is_told(trained: Trained, tmp_path: Path) -> None:
    path = custom_model(trained, tmp_path, "no_such_module_anywhere:build")
    with pytest.raises(ModelError, match="Cannot import no_such_module_anywhere"):
        load_model(path, model="no_such_module_anywhere:build")


def test_missing_device_is_told(model_path: Path) -> None:
    with pytest.raises(TrainingError, match="Cannot compute on device 'cuda:99'"):
        load_model(model_path, device="cuda:99")


def test_card_survives_its_own_form(trained: Trained) -> None:
    assert ModelCard.from_document(trained.card.as_document()) == trained.card
