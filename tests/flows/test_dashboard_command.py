"""`automl dashboard` on a finished search, in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy.engine import make_url

from automl.recipe import Recipe, in_words
from automl.storage.database import open_database
from automl.storage.roles import DASHBOARD_ROLE, create_reader
from tests.conftest import clean_environment
from tests.finished import Finished

STUDY = "digits-space-accuracy"
PICTURES = {"learning-curve.png", "confusion-matrix.png"}


@pytest.fixture(scope="module")
def address(finished: Finished) -> Iterator[str]:
    """The study's page on a dashboard that runs."""
    command = [sys.executable, "-m", "automl", "dashboard", STUDY, "--port", "0"]
    environment = clean_environment(finished.folder / ".automl")
    with subprocess.Popen(command, cwd=finished.folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline().split()[0]
        process.terminate()


@pytest.fixture(scope="module")
def trials(address: str) -> list[dict[str, Any]]:
    """As the dashboard's page gets them."""
    root, study_id = address.split("/dashboard/studies/")
    detail = json.loads(_read(f"{root}/api/studies/{study_id}?after=0"))
    found: list[dict[str, Any]] = detail["trials"]
    return found


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as response:
        content: bytes = response.read()
    return content


def test_every_finished_trial_has_a_note_and_its_pictures(address: str, trials: list[dict[str, Any]]) -> None:
    assert len(trials) == 5
    for trial in trials:
        assert trial["note"]["body"].startswith(("**Complete**", "**Pruned"))
        names = {artifact["filename"] for artifact in trial["artifacts"]}
        assert names == PICTURES | ({"weights.pt"} if trial["state"] == "Complete" else set())


def test_pictures_of_a_trial_are_small_images(address: str, trials: list[dict[str, Any]]) -> None:
    root, study_id = address.split("/dashboard/studies/")
    for artifact in trials[0]["artifacts"]:
        if artifact["filename"] in PICTURES:
            content = _read(f"{root}/artifacts/{study_id}/{trials[0]['trial_id']}/{artifact['artifact_id']}")
            assert len(content) < 30_000
            with Image.open(BytesIO(content)) as image:
                assert image.width > 300


@pytest.fixture
def reader_url(finished: Finished) -> Iterator[str]:
    """The study's database, as the service's dashboard opens it."""
    home = finished.folder / ".automl"
    with open_database(None, home=home) as database:
        with database.engine.begin() as connection:
            create_reader(connection, DASHBOARD_ROLE, password="reads")
        yield make_url(database.url).set(username=DASHBOARD_ROLE, password="reads").render_as_string(False)


def test_a_reader_s_dashboard_deletes_nothing_and_warns_of_who_can_reach_it(
    finished: Finished, reader_url: str
) -> None:
    artifacts = finished.folder / ".automl" / "artifacts"
    command = [sys.executable, "-m", "automl", "dashboard", STUDY, "--artifacts", str(artifacts)]
    command += ["--port", "0", "--host", "0.0.0.0"]
    environment = clean_environment(finished.folder / ".automl") | {"AUTOML_STORAGE": reader_url}
    before = sorted(artifacts.rglob("*"))
    with subprocess.Popen(command, cwd=finished.folder, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "asks for no password, and whoever reaches 0.0.0.0 can see all studies" in process.stderr.readline()
        root, study_id = process.stderr.readline().split()[0].split("/dashboard/studies/")
        study = f"{root}/api/studies/{study_id}"
        trials = json.loads(_read(f"{study}?after=0"))["trials"]
        one = next(artifact for trial in trials for artifact in trial["artifacts"])
        for url in (study, f"{root}/api/artifacts/{study_id}/{trials[0]['trial_id']}/{one['artifact_id']}"):
            request = urllib.request.Request(url, b"{}", {"Content-Type": "application/json"}, method="DELETE")
            with pytest.raises(urllib.error.HTTPError, match="HTTP Error 403"):
                urllib.request.urlopen(request, timeout=30)
        assert json.loads(_read(f"{study}?after=0"))["trials"] == trials
        process.terminate()
    assert sorted(artifacts.rglob("*")) == before


def test_a_reader_cannot_be_writable(finished: Finished, reader_url: str) -> None:
    done = finished.automl("dashboard", "--writable", "--port", "0", environment={"AUTOML_STORAGE": reader_url})
    assert done.returncode == 2
    assert "--writable: the role of this database may only read." in done.stderr


@pytest.mark.browser
def test_browser_shows_a_trial_s_note_pictures_and_weights(finished: Finished, address: str, page: Page) -> None:
    best = json.loads(finished.automl("best", STUDY, "--json").stdout)
    page.goto(f"{address}/trials?numbers={best['number']}")
    for part in in_words(Recipe.from_mapping(best["recipe"])).split("; "):
        page.get_by_role("listitem").filter(has_text=part).wait_for()
    page.get_by_text(f"{best['value']:.4f}").first.wait_for()
    for name in PICTURES:
        picture = page.locator(f"img[alt='{name}']")
        picture.wait_for()
        assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 300
    with page.expect_download() as download:
        page.locator("a[download='weights.pt']").click()
    assert download.value.path().stat().st_size > 1000


@pytest.mark.browser
def test_browser_shows_the_study_s_specification_and_best_trial(finished: Finished, address: str, page: Page) -> None:
    best = json.loads(finished.automl("best", STUDY, "--json").stdout)
    page.goto(f"{address}/note")
    page.get_by_text(f"Best: trial {best['number']}, validation accuracy {best['value']:.4f}").wait_for()
    for line in ("block: plain, residual", "depth: 0 to 2"):
        page.get_by_text(line, exact=True).wait_for()
    page.get_by_role("row").filter(has_text="fingerprint").wait_for()
