from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from automl.cli.main import main
from automl.errors import SpaceError
from automl.spaces.file import load_space


@pytest.mark.parametrize(
    ("parameters", "note"),
    [
        (
            "dropout: {min: 0.0, max: 0.5}",
            "grid: A grid needs an end, and these have none: dropout. "
            "Give `values`, or `q_uniform` with a `q`, or choose another sampler.",
        ),
        (
            "width: {min: 1, max: 999}\n  hidden_dim: {min: 1, max: 8000}",
            "grid: This grid has more than 100,000 combinations. Give fewer values, or use --sampler tpe.",
        ),
        ("width: {values: [8, 16]}\n  depth: {min: 1, max: 3}", "grid: 6 combinations"),
    ],
)
def test_a_grid_s_size_is_told_with_its_space(
    parameters: str, note: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "space.yaml").write_text(f"method: grid\nparameters:\n  {parameters}\n")
    assert main(["space", str(tmp_path / "space.yaml")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == note
    assert main(["space", str(tmp_path / "space.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][-1] == note


def test_space_for_images_needs_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["space", "auto"]) == 2
    assert "Which data? Give --data (or AUTOML_DATA)" in capsys.readouterr().err


def test_space_for_images_is_shown_with_its_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["space", "auto", "--data", "digits", "--timeout", "10m", "--home", str(tmp_path), "--device", "cpu"]
    assert main([*arguments, "--json"]) == 0
    space = json.loads(capsys.readouterr().out)
    assert space["name"] == "auto"
    assert all(parameter["note"] for parameter in space["parameters"])
    assert any(re.match(r"a full training takes about .*: \d+ epochs$", note) for note in space["notes"])
    assert any(re.match(r"first 1 \(\d+ s\): ", note) for note in space["notes"])


def test_space_for_images_is_no_file() -> None:
    with pytest.raises(SpaceError, match="The space auto is built for images on this machine"):
        load_space("auto")
