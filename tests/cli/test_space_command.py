from __future__ import annotations

import json
from pathlib import Path

import pytest

from automl.cli.main import main


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
