"""What runs before a commit and on a tag does what `make` does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from automl import __version__
from tests.conftest import ROOT

PATH = os.environ["PATH"]
RELEASE: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))


def test_hooks_of_a_commit_are_the_linters_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\nlint: install\n")[2].partition("\n\n")[0]
    linters = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [hook["entry"] for hook in local["hooks"]] == linters


@pytest.mark.parametrize(("tag", "code"), [(f"v{__version__}", 0), ("v9.9.9", 1)])
def test_a_release_refuses_a_tag_of_another_version(tag: str, code: int) -> None:
    step = _step("package", "Tag and version agree")
    done = subprocess.run(["bash", "-ec", step], cwd=ROOT, env={"GITHUB_REF_NAME": tag, "PATH": PATH}, check=False)
    assert done.returncode == code


def test_a_release_names_its_repository_in_the_metadata() -> None:
    command = _step("package", "The package's metadata name the repository that builds it").partition(" >> ")[0]
    environment = {"URL": "https://example.org/us/automl", "GITHUB_REF_NAME": "v1", "PATH": PATH}
    added = subprocess.check_output(["bash", "-ec", command], env=environment, text=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8") + added)["project"]
    assert project["urls"]["Repository"] == "https://example.org/us/automl"
    assert project["urls"]["Changelog"] == "https://example.org/us/automl/blob/v1/CHANGELOG.md"


def test_the_version_stands_in_one_place() -> None:
    names = ("pyproject.toml", "Dockerfile", "docker-compose.yml", "mkdocs.yml")
    found = [name for name in names if re.search(rf"\b{re.escape(__version__)}\b", (ROOT / name).read_text("utf-8"))]
    assert found == []


def test_the_site_of_a_release_is_built_as_make_docs_builds_it() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.partition("\ndocs: install\n")[2].partition("\n\n")[0]
    assert shlex.split(recipe.strip())[1:] == ["$(BIN)/python", *_build("site")[1:]]


def _build(job: str) -> list[str]:
    return next(
        shlex.split(step["run"]) for step in RELEASE["jobs"][job]["steps"] if "mkdocs build" in step.get("run", "")
    )


def _step(job: str, name: str) -> str:
    return next(str(step["run"]) for step in RELEASE["jobs"][job]["steps"] if step.get("name") == name)
