"""Files of every format, of one small model with all that a model can have: two networks, a temperature, mirrors."""

from __future__ import annotations

import dataclasses
import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from automl.errors import ModelFileError
from automl.export.export_result import Comparison
from automl.export.formats import check_format
from automl.export.model_file import build_networks, load_model
from automl.export.prediction.model import Model
from automl.export.writing import TOLERANCE, noise, samples, write_model
from automl.own_files import is_own
from automl.recipe import Recipe
from tests.export.conftest import Trained

CPU = torch.device("cpu")
TORCH_ALONE = """
import sys
sys.modules["automl"] = None  # to import it now fails
import json, torch
extra = {"automl.json": ""}
program = torch.export.load(sys.argv[1], extra_files=extra)
images = torch.load(sys.argv[2])
found = [program.module()(images[:count]) for count in (1, 2, len(images))]
torch.save(found, sys.argv[3])
print(json.dumps(json.loads(extra["automl.json"])["classes"]))
assert not [name for name, module in sys.modules.items() if module and name.startswith("automl")]
"""


@dataclasses.dataclass(frozen=True)
class Files:
    """The same model in memory and on the disk."""

    model: Model
    images_NCHW: npt.NDArray[np.uint8]
    """Digits of the test split."""
    paths: Mapping[str, Path]
    """By ending."""
    comparisons: Mapping[str, Comparison]

    @property
    def expected(self) -> Tensor:
        return torch.from_numpy(self.model.predict_probabilities(self.images_NCHW.transpose(0, 2, 3, 1)))


@pytest.fixture(scope="module")
def files(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Files:
    turned = {name: -weight if name.endswith("weight") else weight for name, weight in trained.weights.items()}
    (member,) = trained.card.members
    members = (dataclasses.replace(member, share=0.75), dataclasses.replace(member, share=0.25, trial=4))
    card = dataclasses.replace(trained.card, members=members, tta_temperature=1.5, tta=True)
    networks = build_networks(card)
    for network, weights in zip(networks, (trained.weights, turned), strict=True):
        network.load_state_dict(weights, assign=True)
    model = Model(networks, card, CPU)
    folder = tmp_path_factory.mktemp("written")
    paths = {ending: folder / f"model{ending}" for ending in (".pt", ".pt2", ".onnx")}
    tried_on = samples(trained.data.splits["validation"], card)
    comparisons = {ending: write_model(path, model, tried_on) for ending, path in paths.items()}
    assert {path.name for path in folder.iterdir()} == {"model.pt", "model.pt2", "model.onnx"}
    test = trained.data.splits["test"]
    return Files(model, test.images_MHWC[test.rows_N[:50]].transpose(0, 3, 1, 2).copy(), paths, comparisons)


def test_every_file_was_compared_with_the_model_in_memory_on_real_images(files: Files, trained: Trained) -> None:
    for comparison in files.comparisons.values():
        assert (comparison.images, comparison.of) == (len(trained.data.splits["validation"]), "validation")
        assert 0 <= comparison.largest_difference < TOLERANCE
    assert files.comparisons[".pt"].largest_difference == 0


def test_files_of_every_format_may_be_overwritten(files: Files) -> None:
    assert [is_own(path) for path in files.paths.values()] == [True, True, True]


def test_own_file_is_the_model(files: Files) -> None:
    model = load_model(files.paths[".pt"])
    assert model.card == files.model.card
    assert np.array_equal(model.predict_probabilities(files.images_NCHW[:, 0]), files.expected.numpy())


def test_torch_alone_runs_the_program_on_any_number_of_images(files: Files, tmp_path: Path) -> None:
    torch.save(torch.from_numpy(files.images_NCHW), tmp_path / "images.pt")
    arguments = (files.paths[".pt2"], tmp_path / "images.pt", tmp_path / "found.pt")
    done = subprocess.run(
        [sys.executable, "-I", "-c", TORCH_ALONE, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert tuple(json.loads(done.stdout)) == files.model.classes
    alone, pair, all_of_them = torch.load(tmp_path / "found.pt")
    for found_BK in (alone, pair, all_of_them):
        torch.testing.assert_close(found_BK, files.expected[: len(found_BK)], rtol=0, atol=1e-6)


def test_onnxruntime_runs_the_graph_on_any_number_of_images(files: Files) -> None:
    session = onnxruntime.InferenceSession(files.paths[".onnx"], providers=["CPUExecutionProvider"])
    for count in (1, 2, len(files.images_NCHW)):
        (found_BK,) = session.run(None, {"images": files.images_NCHW[:count]})
        torch.testing.assert_close(torch.from_numpy(found_BK), files.expected[:count], rtol=0, atol=1e-5)
    card = json.loads(session.get_modelmeta().custom_metadata_map["automl"])
    assert tuple(card["classes"]) == files.model.classes
    assert [output.name for output in session.get_outputs()] == ["probabilities"]


@pytest.mark.parametrize("ending", [".pt2", ".onnx"])
def test_programs_tell_nothing_of_the_machine(files: Files, ending: str) -> None:
    content = files.paths[ending].read_bytes()
    for path in (Path(__file__).parents[2], Path(torch.__file__).parent, Path.home() / "x"):
        assert str(path).removesuffix("x").encode() not in content


def of_ones_own(build: str, network: nn.Module, trained: Trained) -> Model:
    """A model of a network of the user's own."""
    provenance = dataclasses.replace(trained.card.provenance, builder=f"tests.export.test_writing:{build}")
    return Model([network], dataclasses.replace(trained.card, provenance=provenance), CPU)


class Forgetful(nn.Module):
    """Computes by a number that is not in its state."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = factor
        self.linear = nn.Linear(64, 10)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return self.linear(images_BCHW.flatten(1)) * self.factor  # type: ignore[no-any-return]


class Branching(Forgetful):
    """Does one thing or another, as the pixels are."""

    def forward(self, images_BCHW: Tensor) -> Tensor:
        return super().forward(images_BCHW if images_BCHW.sum() > 0 else -images_BCHW)


def build_forgetful(recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int) -> nn.Module:
    """Builds what a file cannot bring back."""
    return Forgetful()


def test_file_that_answers_otherwise_is_not_handed_over(trained: Trained, tmp_path: Path) -> None:
    model = of_ones_own("build_forgetful", Forgetful(factor=2.0), trained)
    path = tmp_path / "m.pt"
    path.write_text("old")
    with pytest.raises(ModelFileError) as refused:
        write_model(path, model, noise(model.card.image_shape))
    assert re.fullmatch(
        rf"{re.escape(str(path))} is not written: its probabilities differ from those of the model in memory by up to "
        r"0\.\d+ on 64 images \(noise\), and allowed is 0\.0001\. The network tests\.export\.test_writing:"
        r"build_forgetful has to compute the same each time: from its inputs and its state_dict alone, for one image "
        r"as for many\.",
        str(refused.value),
    )
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_network_that_is_no_program_is_told(trained: Trained, tmp_path: Path) -> None:
    model = of_ones_own("build", Branching(), trained)
    with pytest.raises(ModelFileError) as refused:
        write_model(tmp_path / "m.pt2", model, noise(model.card.image_shape))
    assert re.fullmatch(
        r"torch\.export cannot follow the network tests\.export\.test_writing:build \(\w+: .+\)\. "
        r"Export a \.pt, which is loaded together with its code\.",
        str(refused.value),
    )
    assert not list(tmp_path.iterdir())


def test_full_disk_keeps_the_old_file(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # as a full disk: writing more fails
    try:
        with pytest.raises(ModelFileError, match=re.escape(f"Cannot write {path}: File too large. Free some space")):
            write_model(path, files.model, noise(files.model.card.image_shape))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ["old"]


def test_missing_folder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "m.pt2"
    with pytest.raises(ModelFileError, match=re.escape(f"{path}: there is no folder {path.parent}.")):
        check_format(path)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # Python's own way to say that it cannot be imported
    sentence = "m.onnx needs onnxruntime, not installed here. Install with: pip install 'optuna-automl[onnx]'"
    with pytest.raises(ModelFileError, match=f"^{re.escape(sentence)}$"):
        check_format(Path("m.onnx"))
    check_format(Path("m.pt2"))
