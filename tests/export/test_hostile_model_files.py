"""Files that torch would load, and that are no model: one sentence each, and no more memory than the file announces."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from automl.cli.main import main
from automl.data.batches.normalization import Normalization
from automl.errors import ModelError, ModelFileError, TrainingError
from automl.export.card import MemberCard, ModelCard, Provenance
from automl.export.model_file import load_model
from automl.models.building import build_model
from automl.recipe import Recipe
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from tests.export.conftest import save_model
from tests.fuzzing import memory_cap

OTHER = "is no exported model: it holds other things than dense tensors and plain values"
HUGE = 10**9


@pytest.fixture
def rewritten(model_path: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    def rewrite(change: Callable[[dict[str, Any]], object]) -> Path:
        document = torch.load(model_path, weights_only=True)
        change(document)
        torch.save(document, tmp_path / "hostile.pt")
        return tmp_path / "hostile.pt"

    return rewrite


Rewrite = Callable[[Callable[[dict[str, Any]], object]], Path]


def every_weight(change: Callable[[torch.Tensor], object]) -> Callable[[dict[str, Any]], object]:
    def apply(document: dict[str, Any]) -> None:
        for state in document["weights"]:
            state.update({name: change(weight) for name, weight in state.items()})

    return apply


TENSORS: dict[str, tuple[Callable[[torch.Tensor], object], str]] = {
    "sparse": (lambda weight: weight.to_sparse() if weight.dim() else weight, OTHER),
    "meta": (lambda weight: weight.to("meta"), OTHER),
    "huge by stride 0": (lambda _: torch.zeros(1).expand(HUGE), OTHER),
    "bytes of any length": (lambda _: bytearray(9), OTHER),
    "complex": (lambda weight: weight.to(torch.complex64), "is complex64 and the network has float32"),
    "double": (lambda weight: weight.double(), "is float64 and the network has float32"),
    "whole": (lambda weight: weight.long(), "is int64 and the network has float32"),
    "NaN": (lambda weight: weight * math.nan if weight.is_floating_point() else weight, "holds NaN"),
    "text": (lambda _: "weight", "str where a dense tensor belongs"),
}


@pytest.mark.parametrize("kind", TENSORS)
def test_weights_that_are_no_plain_numbers_are_one_sentence(
    kind: str, rewritten: Rewrite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, said = TENSORS[kind]
    path = rewritten(every_weight(change))
    for command in (
        ["predict", str(path), "x.png"],
        ["evaluate", str(path), "--data", "digits", "--home", str(tmp_path)],
    ):
        with memory_cap():
            assert main(command) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith(f"automl: {path} ")
        assert said in printed.err


def cyclic() -> list[object]:
    inner: list[object] = []
    inner.append(inner)
    return inner


def doubled() -> list[object]:
    """A list that holds half a billion references, in 29 lists."""
    inner: list[object] = []
    for _ in range(29):
        inner = [inner, inner]
    return inner


DESCRIPTIONS: dict[str, Callable[[], dict[str, object]]] = {
    "tensor as version": lambda: {"version": torch.zeros(2)},
    "tensor as a name": lambda: {"classes": [torch.zeros(2)] * 10},
    "endless": lambda: {"metrics": {"x": cyclic()}},
    "many": lambda: {"metrics": {"x": doubled()}},
    "NaN metric": lambda: {"metrics": {"validation_accuracy": math.nan}},
    "infinite side": lambda: {"input": {"channels": 1, "height": math.inf, "width": 8}},
    "huge images": lambda: {"input": {"channels": 3, "height": HUGE, "width": HUGE}},
    "many channels": lambda: {"input": {"channels": 512, "height": 8, "width": 8}},
    "one name twice": lambda: {"classes": ["a"] * 10},
    "negative temperature": lambda: {"temperature": -1.0},
    "number as provenance": lambda: {"provenance": {"data": 5, "fingerprint": "", "split_seed": 0, "created_at": ""}},
    "seed": lambda: {"provenance": {"data": "", "fingerprint": "", "split_seed": -5, "created_at": ""}},
}


@pytest.mark.parametrize("kind", DESCRIPTIONS)
def test_descriptions_that_cannot_be_are_one_sentence(kind: str, rewritten: Rewrite) -> None:
    path = rewritten(lambda document: document.update(DESCRIPTIONS[kind]()))
    with (
        memory_cap(),
        pytest.raises(ModelFileError, match=re.escape(f"{path} is damaged: its description is incomplete (")),
    ):
        load_model(path)


@pytest.mark.parametrize("change", [{"std": [0.0]}, {"std": [math.nan]}, {"mean": [math.inf]}, {"mean": [0.0, 1.0]}])
def test_normalization_that_gives_no_numbers_is_refused(rewritten: Rewrite, change: dict[str, object]) -> None:
    path = rewritten(lambda document: document["members"][0]["normalization"].update(change))
    with pytest.raises(ModelFileError, match="is damaged: its description is incomplete"):
        load_model(path)


def test_one_network_cannot_be_there_fifty_times(rewritten: Rewrite) -> None:
    def repeat(document: dict[str, Any]) -> None:
        (member,), (weights,) = document["members"], document["weights"]
        document["members"], document["weights"] = [member | {"share": 0.02}] * 50, [weights] * 50

    with memory_cap(2**29), pytest.raises(ModelFileError, match=r"weights of more than the [\d,]+ bytes of the file"):
        load_model(rewritten(repeat))


def test_few_weights_with_huge_feature_maps_are_refused_by_the_memory_that_is_free(tmp_path: Path) -> None:
    recipe, shape = Recipe(depth=1, width=1024, hidden_dim=0), (1, 2048, 2048)
    card = ModelCard(
        members=(MemberCard(recipe=recipe, normalization=Normalization((0.5,), (0.5,))),),
        classes=("cat", "dog"),
        image_shape=shape,
        metrics={},
        provenance=Provenance(data="x", fingerprint="f", split_seed=0, created_at="2026-11-28"),
    )
    save_model(tmp_path / "small.pt", card, [build_model(recipe, shape, 2).state_dict()])
    with (
        memory_cap(2**29),
        pytest.raises(ModelFileError, match=r"takes about 51\.5 GB for one image of 1 × 2048 × 2048"),
    ):
        load_model(tmp_path / "small.pt")


def with_part(model_path: Path, folder: Path, name: str, content: bytes, *, size: int | None = None) -> Path:
    """The model with another part; `size`: what the zip says that it has."""
    written = io.BytesIO()
    with zipfile.ZipFile(model_path) as old, zipfile.ZipFile(written, "w") as new:
        for old_name in old.namelist():
            is_changed = old_name.endswith(name)
            new.writestr(zipfile.ZipInfo(old_name), content if is_changed else old.read(old_name))
            if is_changed and size is not None:
                new.getinfo(old_name).file_size = size
    (folder / "hostile.pt").write_bytes(written.getvalue())
    return folder / "hostile.pt"


def test_part_that_is_said_to_be_larger_than_the_file_is_damage(model_path: Path, tmp_path: Path) -> None:
    with memory_cap(2**29):
        with pytest.raises(ModelFileError, match="is damaged: its list of parts contradicts itself"):
            load_model(with_part(model_path, tmp_path, "data/0", b"0" * 9, size=HUGE))
        with pytest.raises(ModelFileError, match="it holds other things than dense tensors and plain values"):
            load_model(with_part(model_path, tmp_path, "data/0", b"0" * 9))  # its tensor would reach beyond it


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02r\xff\xff\xff\x7f.",  # a memo of two billion places
        b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
        b"\x80\x02X\xff\xff\xff\x7fa.",  # a text of two gigabytes
        b"\x80\x02Q.",
        b"\x80\x02" + b"]" * (9 * 2**20) + b".",
        b"",
    ],
)
def test_description_that_asks_for_gigabytes_is_refused_unread(
    pickled: bytes, model_path: Path, tmp_path: Path
) -> None:
    path = with_part(model_path, tmp_path, "data.pkl", pickled)
    with memory_cap(2**29), pytest.raises(ModelFileError, match=re.escape(OTHER)):
        load_model(path)


def test_model_that_computes_nan_says_so_instead_of_printing_it(rewritten: Rewrite) -> None:
    model = load_model(rewritten(every_weight(lambda w: w * 1e30 if w.is_floating_point() else w)))
    with pytest.raises(
        ModelError, match=re.escape("The model gives no probabilities (NaN) for 2 of 2 images: its weights")
    ):
        model.predict(np.full((2, 8, 8), 200, np.uint8))


@pytest.mark.parametrize(
    "hostile", [torch.zeros(1).expand(HUGE), torch.ones(3).to_sparse(), torch.ones(3, device="meta")]
)
def test_stored_weights_and_checkpoints_are_read_by_the_same_rule(hostile: torch.Tensor, tmp_path: Path) -> None:
    save_checkpoint({"weights": hostile}, tmp_path / "run.pt")
    with memory_cap(2**29), pytest.raises(TrainingError, match=re.escape(f"{tmp_path / 'run.pt'} is no checkpoint: ")):
        load_checkpoint(tmp_path / "run.pt")
