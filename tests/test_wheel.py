"""The wheel works where the checkout is not."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from automl import __version__
from automl.spaces.file import shipped_spaces
from tests.conftest import ROOT, clean_environment

SHIPPED_SOURCES = (
    "README.md",
    "mkdocs.yml",
    "examples/*.*",
    "docs/**/*.md",
    "docs/*.py",
    "docs/images/*",
    "tests/test_*.py",
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with `environment`: a venv of the wheel alone, whose dependencies are those of this environment."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        wheel = _build(folder / "dist")
        _install(wheel, folder / "environment")
        yield folder


def _build(output: Path) -> Path:
    _python("-m", "build", "--wheel", "--no-isolation", "--outdir", output, ROOT)
    (wheel,) = output.iterdir()
    return wheel


def _install(wheel: Path, environment: Path) -> None:
    _python("-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    _python("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    packages = subprocess.check_output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
    )
    # A folder that is added like this has its own .pth files left alone, and with them the editable install.
    Path(packages.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")


def _python(*arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(Path("unused")) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _run(folder: Path, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [folder / "environment" / "bin" / program, *arguments],
        cwd=folder,
        env=clean_environment(folder / ".automl"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_source_distribution_has_documentation_and_examples(tmp_path: Path) -> None:
    _python("-m", "build", "--sdist", "--no-isolation", "--outdir", tmp_path, ROOT)
    (archive,) = tmp_path.iterdir()
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    wanted = {path.relative_to(ROOT).as_posix() for pattern in SHIPPED_SOURCES for path in ROOT.glob(pattern)}
    assert wanted - names == set()


def test_package_is_the_installed_one(folder: Path) -> None:
    assert _run(folder, "automl", "--version") == f"automl {__version__}\n"
    file = Path(_run(folder, "python", "-c", "import automl; print(automl.__file__)").strip())
    assert file.is_relative_to(folder / "environment")


def test_every_search_space_ships(folder: Path) -> None:
    shipped = _run(folder, "python", "-c", "from automl.spaces.file import shipped_spaces; print(*shipped_spaces())")
    assert tuple(shipped.split()) == shipped_spaces()
    space = json.loads(_run(folder, "automl", "space", "quick", "--json"))
    assert space["name"] == "quick"


def test_digits_are_searched(folder: Path) -> None:
    options = ("--data", "digits", "--space", "quick", "--epochs", "1", "--trials", "2", "--workers", "1")
    answer = json.loads(_run(folder, "automl", "search", *options, "--json"))
    assert answer["status"]["finished"] == 2
    assert answer["best"]["value"] > 0
