"""Damaged files of each kind that people hand over: one rule, exit 0 or 2, in 1.5 GB.

`AUTOML_FUZZ=500` makes 2,000 of them.
"""

from __future__ import annotations

import io
import json
import math
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from automl.cli.main import main
from automl.data.batches.normalization import Normalization
from automl.data.loading import load_data_set
from automl.errors import AutomlError
from automl.export.card import MemberCard, ModelCard, Provenance
from automl.models.building import build_model
from tests.export.conftest import RECIPE, save_model
from tests.fuzzing import MUTATIONS, memory_cap, mutated, with_changed_part

SEEDS = range(MUTATIONS)
SPACE = """
parameters:
  learning_rate: {min: 0.001, max: 0.1, distribution: log_uniform}
  optimizer: {values: [adam, sgd]}
  momentum: {min: 0.8, max: 0.95, when: {optimizer: sgd}}
  depth: {min: 1, max: 3}
  epochs: {value: 2}
"""


def picture(seed: int, kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(noise).save(written, kind)
    return written.getvalue()


@pytest.fixture(scope="session")
def zip_bytes() -> bytes:
    """Forty pictures in two folders."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(40):
            archive.writestr(f"{'cat' if index % 2 else 'dog'}/{index}.png", picture(index))
    return written.getvalue()


@pytest.fixture(scope="session")
def csv_bytes() -> bytes:
    """Forty pictures of 4 × 4 pixels as a table of FER2013's form."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 16))
    rows = (f"{index % 2},{' '.join(map(str, pixels))},Training" for index, pixels in enumerate(noise))
    return "\n".join(("emotion,pixels,Usage", *rows)).encode()


@pytest.fixture(scope="session")
def model_bytes_and_document(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, Any]]:
    """A small model that was never trained."""
    path = tmp_path_factory.mktemp("fuzzed") / "model.pt"
    card = ModelCard(
        members=(MemberCard(recipe=RECIPE, normalization=Normalization((0.5,), (0.5,))),),
        classes=("cat", "dog"),
        image_shape=(1, 8, 8),
        metrics={"validation_accuracy": 0.5},
        provenance=Provenance(data="x", fingerprint="f", split_seed=0, created_at="2026-11-28T12:00:00+00:00"),
    )
    save_model(path, card, [build_model(RECIPE, (1, 8, 8), 2).state_dict()])
    return path.read_bytes(), torch.load(path, weights_only=True)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_model_is_used_or_refused(
    seed: int,
    model_bytes_and_document: tuple[bytes, dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    draw, (content, document) = random.Random(seed), model_bytes_and_document
    path, image = tmp_path / "model.pt", tmp_path / "image.png"
    image.write_bytes(picture(0))
    kind = seed % 3
    if kind == 0:
        path.write_bytes(mutated(content, draw))
    elif kind == 1:
        path.write_bytes(with_changed_part(content, draw, change=lambda part: mutated(part, draw)))
    else:
        torch.save(replaced(document, draw), path)
    with memory_cap():
        code = main(["predict", str(path), str(image), "--json"])
    printed = capsys.readouterr()
    assert code == (2 if printed.err.startswith("automl: ") else 0)
    if code == 0:
        json.loads(printed.out, parse_constant=pytest.fail)


def replaced(value: Any, draw: random.Random) -> Any:
    """The document with one of its leaves, or a branch, replaced by something hostile."""
    if draw.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return draw.choice(HOSTILE)()
    if isinstance(value, dict):
        key = draw.choice(list(value))
        return {**value, key: replaced(value[key], draw)}
    at = draw.randrange(len(value))
    return [*value[:at], replaced(value[at], draw), *value[at + 1 :]]


HOSTILE: tuple[Callable[[], object], ...] = (
    lambda: None,
    lambda: math.nan,
    lambda: -math.inf,
    lambda: 10**400,
    lambda: -1,
    lambda: 0,
    lambda: 2**31,
    lambda: "",
    lambda: "a:b",
    lambda: "\x1b[31m\ud83d",
    list,
    dict,
    lambda: {"": []},
    lambda: [[[]]],
    lambda: True,
    lambda: torch.zeros(1).expand(10**9),
    lambda: torch.ones(3, dtype=torch.complex64),
    lambda: torch.ones(3).to_sparse(),
    lambda: torch.ones(3, device="meta"),
    lambda: torch.full((8,), math.nan),
    lambda: torch.ones(0),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_zip_of_pictures_is_read_or_refused(seed: int, zip_bytes: bytes, tmp_path: Path) -> None:
    draw = random.Random(seed)
    change = mutated if seed % 2 else lambda content, draw: with_changed_part(content, draw, change=again(draw))
    load_or_refuse(tmp_path / "photos.zip", change(zip_bytes, draw), home=tmp_path / "home")


def again(draw: random.Random) -> Callable[[bytes], bytes]:
    return lambda part: mutated(part, draw)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_table_is_read_or_refused(seed: int, csv_bytes: bytes, tmp_path: Path) -> None:
    load_or_refuse(tmp_path / "faces.csv", mutated(csv_bytes, random.Random(seed)), home=tmp_path / "home")


def load_or_refuse(path: Path, content: bytes, *, home: Path) -> None:
    path.write_bytes(content)
    with memory_cap():
        try:
            data = load_data_set(str(path), home=home)
        except AutomlError as error:
            assert str(error)  # noqa: PT017 either way is right
        else:
            assert len(data.class_names) > 1


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_yaml_is_read_or_refused(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "space.yaml"
    path.write_bytes(mutated(SPACE.encode(), random.Random(seed)))
    with memory_cap():
        code = main(["space", str(path), "--json"])
    printed = capsys.readouterr()
    assert code == (2 if printed.err.startswith("automl: ") else 0)
    if code == 0:
        json.loads(printed.out, parse_constant=pytest.fail)
