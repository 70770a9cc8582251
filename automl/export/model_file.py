"""The `.pt` file of an exported model: one dict of tensors and plain values, for `torch.load(weights_only=True)`.

    format, version   "automl-model", 2; 3 where images of more than 8 bits have a scale of their own
    weights           the state of each network, float32
    members, temperature, tta_temperature, tta, classes, input, deep_images, metrics, provenance   as in ModelCard

Nothing in the file is executed, and it cannot make automl import anything: a network of the user's own is built by the
function that the caller names.
"""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import Tensor, nn

from automl.errors import DataError, ModelError, ModelFileError, RecipeError
from automl.export.card import ModelCard
from automl.export.formats import FORMATS
from automl.export.prediction.model import BATCH_BYTES, Model, image_bytes
from automl.models.building import resolve_builder
from automl.models.loaded_state import check_plain, check_state, read_states
from automl.models.tensor_files import ZIP_ERRORS, check_tensor_file
from automl.own_files import MODEL_MARK
from automl.sanitize import shell_word
from automl.training.device import choose_device

FORMAT = MODEL_MARK
VERSION, DEEP_VERSION = 2, 3
"""The second: with a scale of images of more than 8 bits, which an earlier automl would ignore."""
OTHER_THINGS = "it holds other things than dense tensors and plain values"
MEMORY_PARTS = 4
"""One image may take 1 GB, or one part in so many of the memory that is free."""
ZIP_START = b"PK\x03\x04"
OTHER_FORMATS = frozenset(FORMATS) - {".pt"}


def model_bytes(card: ModelCard, weights: Sequence[Mapping[str, Tensor]]) -> bytes:
    """The file's content; `weights` are the networks' state_dicts, on any device."""
    states = [{name: _plain(weight) for name, weight in state.items()} for state in weights]
    content = BytesIO()
    version = VERSION if card.pixel_range is None else DEEP_VERSION
    torch.save({"format": FORMAT, "version": version, "weights": states} | card.as_document(), content)
    return content.getvalue()


def load_model(
    path: str | os.PathLike[str], *, device: str = "cpu", model: str | None = None, tta: bool | None = None
) -> Model:
    """Load an exported model onto a device: a name as torch knows it, or `auto` for the best there is.

    `tta`: whether each image is averaged with its mirror image; by default as the model was exported.

    A model of a network of your own needs the function that builds it, by the name it was searched with:
    `model="package.module:build"`.

    Raises: ModelFileError if the file is missing, foreign, damaged, of a newer format, or of another network.
        ModelError if the function cannot be found. TrainingError if there is no such device.
    """
    chosen = choose_device(device)
    document = _read(Path(path))
    card = _card(Path(path), document)
    _check_builder(Path(path), card.provenance.builder, model)
    networks = _load_weights(Path(path), card, document)
    if chosen.type == "cpu":
        _check_memory(Path(path), card)
    return Model(networks, card, chosen, tta=tta)


def _load_weights(path: Path, card: ModelCard, document: Mapping[str, Any]) -> list[nn.Module]:
    try:
        states = read_states(document["weights"], members=len(card.members), file_bytes=path.stat().st_size)
        networks = []
        for network, state in zip(_networks(path, card), states, strict=True):  # the first that does not fit ends it
            check_state(state, network)
            network.load_state_dict(state, assign=True)
            networks.append(network)
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"{path} does not fit together: its weights are not those of the network that "
            f"{card.provenance.builder or 'its recipe'} makes ({_first_line(error)}). Export it again."
        ) from error
    return networks


def _is_text(value: object, expected: str) -> bool:
    return isinstance(value, str) and value == expected


def _plain(weight: Tensor) -> Tensor:
    weight = weight.detach().to("cpu", copy=True).contiguous()
    return weight.float() if weight.is_floating_point() else weight


def _read(path: Path) -> dict[str, Any]:
    """Return the file's dict, whatever is in it."""
    _check_container(path)
    try:
        document: object = torch.load(path, map_location="cpu", weights_only=True)
    except (
        RuntimeError,
        pickle.UnpicklingError,
        EOFError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise _foreign(path, OTHER_THINGS) from error
    if not isinstance(document, dict) or not _is_text(document.get("format"), FORMAT):
        raise _foreign(path, "it is a file of torch, but not one that automl exported")
    try:
        check_plain({name: value for name, value in document.items() if name != "weights"})
    except (TypeError, ValueError) as error:
        raise _incomplete(path, error) from error
    if document.get("version") == 1:
        return _of_version_1(path, document)
    if document.get("version") not in (VERSION, DEEP_VERSION):
        raise ModelFileError(
            f"{path} has format version {document.get('version')}, and automl here reads versions 1 to {DEEP_VERSION}. "
            "Upgrade it: pip install --upgrade optuna-automl"
        )
    return document


def _of_version_1(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """A file of before there were ensembles and temperatures, as it would be now."""
    try:
        provenance = dict(document["provenance"])
        member = {name: document[name] for name in ("recipe", "normalization")}
        member |= {"share": 1.0, "trial": provenance.pop("trial")}
        now = {"members": [member], "weights": [document["weights"]], "provenance": provenance}
    except (KeyError, TypeError, ValueError) as error:
        raise _incomplete(path, error) from error
    return {**document, **now, "temperature": 1.0, "tta_temperature": 1.0, "tta": False}


def _check_container(path: Path) -> None:
    """Look at the file as a zip, which torch reads without checking that it is whole."""
    if path.suffix in OTHER_FORMATS:
        raise ModelFileError(
            f"{path} is for other programs: load_model, evaluate and predict take automl's own .pt alone. "
            "Make one with: automl best --export model.pt"
        )
    try:
        with path.open("rb") as file:
            start = file.read(len(ZIP_START))
        if start != ZIP_START:
            raise _foreign(path, "it is no file of torch")
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            check_tensor_file(archive, file_bytes=path.stat().st_size)
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no file {path}.") from error
    except OSError as error:
        raise ModelFileError(f"Cannot read {path}: {error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        raise _foreign(path, OTHER_THINGS) from error
    except ZIP_ERRORS as error:
        raise _damaged(path, str(error).rstrip(".")) from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    parts = {name.rpartition("/")[2] for name in archive.namelist()}
    if "data.pkl" not in parts or "constants.pkl" in parts:  # the latter is of TorchScript
        raise _foreign(path, "it is a zip of something else")
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        raise _foreign(path, "it is compressed, which torch never does")


def _card(path: Path, document: Mapping[str, Any]) -> ModelCard:
    try:
        return ModelCard.from_document(document)
    except RecipeError as error:
        raise ModelFileError(f"{path} has a recipe that automl here does not know: {_first_line(error)}") from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, DataError) as error:
        raise _incomplete(path, error) from error


def _check_memory(path: Path, card: ModelCard) -> None:
    """Refuse a network whose description makes a few kilobytes take most of a machine."""
    needed, free = image_bytes(card), psutil.virtual_memory().available
    if needed > max(BATCH_BYTES, free // MEMORY_PARTS):
        shape = " × ".join(map(str, card.image_shape))
        raise ModelFileError(
            f"{path} takes about {needed / 1e9:.1f} GB for one image of {shape}, and {free / 1e9:.1f} GB are free, of "
            f"which a model may take a part in {MEMORY_PARTS}. Use it on a GPU (--device), or where more is free."
        )


def _check_builder(path: Path, needed: str | None, given: str | None) -> None:
    if needed == given:
        return
    if needed is None:
        raise ModelFileError(f"{path} is of automl's own networks. Leave the model {given} out.")
    raise ModelFileError(
        f"{path} needs the network {needed}, and {given or 'none'} was given: code is not in the file, and not "
        f"imported on its word. If you trust it, give --model {shell_word(needed)}, "
        f"or load_model(..., model={json.dumps(needed)})."
    )


def build_networks(card: ModelCard) -> list[nn.Module]:
    """Build the networks of a card, for weights that are loaded with `assign=True`; the caller's random numbers stay.

    Raises: ModelError if one cannot be built.
    """
    return list(_built_one_by_one(card))


def _built_one_by_one(card: ModelCard) -> Iterator[nn.Module]:
    classes, builder = len(card.classes), card.provenance.builder
    build = resolve_builder(builder)
    for member in card.members:
        # The family's take no memory and no time: all of their state comes from the file.
        with torch.device("meta") if builder is None else torch.random.fork_rng(devices=()):
            network = build(member.recipe, card.image_shape, classes)
        yield network


def _networks(path: Path, card: ModelCard) -> Iterator[nn.Module]:
    try:
        yield from _built_one_by_one(card)
    except ModelError as error:
        if card.provenance.builder is not None:
            raise  # the caller's function, not the file
        raise ModelFileError(f"{path} does not fit together: {error}") from error


def _foreign(path: Path, what: str) -> ModelFileError:
    return ModelFileError(f"{path} is no exported model: {what}. Make one with: automl best --export model.pt")


def _incomplete(path: Path, error: Exception) -> ModelFileError:
    return _damaged(path, f"its description is incomplete ({type(error).__name__}: {_first_line(error)})")


def _damaged(path: Path, what: str) -> ModelFileError:
    return ModelFileError(f"{path} is damaged: {what}. Copy or export it again.")


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
