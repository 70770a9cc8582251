"""The documentation builds as a site without a warning, and the site fetches nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documentation import all_pages

FETCHED = re.compile(r"""(?:\bsrc=|<link[^>]+href=|url\()["']?(https?://[^"')\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    names = [page.name.removeprefix("docs/") for page in all_pages() if page.name != "README.md"]
    built = [name.replace("index.md", "index.html").replace("README.md", "index.html") for name in names]
    expected = [name if name.endswith(".html") else f"{name.removesuffix('.md')}/index.html" for name in built]
    assert [name for name in expected if not (site / name).is_file()] == []


def test_results_of_the_benchmarks_are_there(site: Path) -> None:
    results = [path.stem for path in (ROOT / "benchmarks" / "results").glob("*.md")]
    assert [name for name in results if not (site / "benchmarks" / "results" / name / "index.html").is_file()] == []


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = [path for path in site.rglob("*") if path.suffix in (".html", ".css", ".svg")]
    assert {url for path in pages for url in FETCHED.findall(path.read_text("utf-8"))} == set()


def test_no_page_names_the_machine_that_built_it(site: Path) -> None:
    assert [path for path in site.rglob("*.html") if str(ROOT) in path.read_text("utf-8")] == []
