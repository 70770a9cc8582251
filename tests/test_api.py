"""`import automl` in a script without a main guard, as a notebook cell is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environment

SCRIPT = """
import automl, numpy as np

result = automl.search(
    "digits",
    space={"parameters": {"depth": {"values": [0, 1]}, "width": {"value": 8}, "epochs": {"value": 3}}},
    metric="macro_f1",
    trials=3,
    timeout=120,
    workers=2,
    export="model.pt",
)
assert result.status.finished == 3
assert result.best.value == max(epoch.validation_macro_f1 for epoch in result.best.epochs)
assert 0 < result.exported.test.accuracy <= 1
model = automl.load_model("model.pt")
answers = model.predict(np.zeros((2, 8, 8), np.uint8))
print("study:", result.study, "answers:", len(answers), "classes:", len(model.classes))
"""


def run_script(script: str, home: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=clean_environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_search_in_python_prints_plain_text_and_returns_the_best(home: Path, tmp_path: Path) -> None:
    done = run_script(SCRIPT, home, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "study: digits-custom-macro-f1 answers: 2 classes: 10"
    assert done.stdout.count("] trial ") == 3
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("automl.search('no/such/folder')", "DataError"),
        ("automl.search('digits', space={'parameters': {'depht': {'value': 1}}})", "SpaceError"),
        ("automl.search('digits', metric='acuracy')", "SettingsError"),
        ("automl.load_model('no_such.pt')", "ModelFileError"),
    ],
)
def test_mistakes_are_exceptions_of_ours(call: str, error: str, home: Path, tmp_path: Path) -> None:
    script = (
        f"import automl, automl.errors as e\ntry:\n    {call}\nexcept e.{error} as found:\n    print('caught', found)"
    )
    done = run_script(script, home, tmp_path)
    assert done.stdout.startswith("caught "), done.stderr
