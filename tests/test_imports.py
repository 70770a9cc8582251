from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import clean_environment

SHOW_IMPORTS = """
import sys
from automl.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
heavy = ("torch", "wandb", "optuna", "numpy", "pandas", "sklearn", "scipy", "matplotlib", "plotly")
print("imported:", *(name for name in heavy if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("command", "imported"),
    [
        ("--help", ""),
        ("search --help", " numpy"),
        ("create --help", " numpy"),
        ("worker --help", ""),
        ("status", ""),
        ("studies", ""),
        ("best", ""),
        ("show 0", ""),
    ],
)
def test_quick_commands_import_nothing_heavy(command: str, imported: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW_IMPORTS, *command.split()],
        cwd=tmp_path,
        env=clean_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == f"imported:{imported}"


@pytest.mark.parametrize("command", ["--help", "status"])
def test_rich_is_imported_where_a_table_is_printed(command: str, tmp_path: Path) -> None:
    code = SHOW_IMPORTS.replace('heavy = ("torch",', 'heavy = ("rich", "torch",')
    done = subprocess.run(
        [sys.executable, "-c", code, command],
        cwd=tmp_path,
        env=clean_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "imported:"


def test_public_names_are_there_before_torch_is() -> None:
    script = "import sys, automl; assert callable(automl.search); assert 'torch' not in sys.modules; automl.load_model"
    subprocess.run([sys.executable, "-c", script], check=True)
