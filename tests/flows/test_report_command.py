"""`automl report` on a finished search: its folder, its page in a real browser, and what it says where things miss."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image
from playwright.sync_api import Page
from sqlalchemy import text

from automl.own_files import REPORT_LINE, is_own
from automl.report.words import duration
from automl.storage.database import open_database
from tests.finished import Finished
from tests.refusals import assert_refused

STUDY = "digits-space-accuracy"
PICTURES = {
    "history",
    "best-over-time",
    "baselines",
    "learning-curves",
    "parallel-coordinates",
    "architecture",
    "trade-off",
    "pruning",
    "confusion",
    "misclassified",
    "reliability",
}
SECTIONS = [
    "Best trial",
    "Confirmed results",
    "Data and search space",
    "Optimization history",
    "Time",
    "Gain over the baselines",
    "Learning curves",
    "Hyperparameter importance",
    "Parallel coordinates",
    "Architecture and accuracy",
    "Accuracy against size and latency",
    "Pruning",
    "Test results by class",
    "Most confident errors",
    "Calibration",
    "Failures",
    "Compute cost",
    "Reproduce",
]


@pytest.fixture(scope="module")
def report(finished: Finished) -> dict[str, Any]:
    """What `automl report --json` printed, its paths made absolute."""
    done = finished.automl("report", STUDY, "--json")
    assert done.returncode == 0, done.stderr
    written: dict[str, Any] = json.loads(done.stdout)
    return written | {name: str(finished.folder / written[name]) for name in ("folder", "page", "readme")}


@pytest.fixture(scope="module")
def readme(report: dict[str, Any]) -> str:
    return Path(report["readme"]).read_text("utf-8")


@pytest.fixture(scope="module")
def best(finished: Finished) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(finished.automl("best", STUDY, "--json").stdout)
    return answer


def row(readme: str, name: str) -> list[str]:
    """Cells of the first table row of this name, behind it."""
    line = next(line for line in readme.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def accesses(finished: Finished, study: str = STUDY) -> list[str]:
    with open_database(None, home=finished.folder / ".automl") as database, database.engine.connect() as connection:
        statement = (
            "SELECT command FROM automl_test_openings JOIN studies USING (study_id) "
            "WHERE study_name = :study ORDER BY opened_at"
        )
        return list(connection.scalars(text(statement), {"study": study}))


def test_folder_of_the_study_holds_the_whole_report(report: dict[str, Any]) -> None:
    folder = Path(report["folder"])
    assert folder.parts[-2:] == ("reports", STUDY)
    assert report["missing"] == []
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"index.html", "README.md", "recipe.yaml"} | {f"images/{name}.png" for name in PICTURES}


def test_readme_has_every_section_and_shows_every_picture(report: dict[str, Any], readme: str) -> None:
    assert re.findall(r"^## (.*)$", readme, re.M) == SECTIONS
    links = re.findall(r"!\[[^]]+\]\(([^)]+)\)", readme)
    assert {Path(link).stem for link in links} == PICTURES
    for link in links:
        with Image.open(Path(report["folder"]) / link) as image:
            assert image.width > 500


def test_figures_are_those_of_best_and_evaluate(finished: Finished, readme: str, best: dict[str, Any]) -> None:
    done = finished.automl("best", STUDY, "--export", "reported.pt")
    assert done.returncode == 0, done.stderr
    tested = json.loads(finished.automl("evaluate", "reported.pt", "--data", "digits", "--json").stdout)
    assert row(readme, "accuracy") == [f"{best['value']:.4f}", f"{tested['accuracy']:.4f}"]
    low, high = tested["accuracy_interval"]
    assert row(readme, "95 % interval of the accuracy")[1] == f"{low:.3f} to {high:.3f}"
    assert row(readme, "loss (nats)")[1] == f"{tested['loss']:.4f}"
    for figures in tested["classes"]:
        shown = [f"{figures[name]:.3f}" for name in ("precision", "recall", "f1")]
        line = f"| {figures['name']} | {' | '.join(shown)} | {figures['support']} |"
        assert line in readme


def test_majority_class_is_the_share_of_the_training_split_s_most_frequent_one(readme: str) -> None:
    found = re.search(r"^\| majority class “(\d)” \| (0\.\d+) \| (0\.\d+) \|$", readme, re.M)
    assert found is not None
    assert 0.08 < float(found[2]) < 0.12


def test_access_to_the_test_split_is_recorded_and_reported(
    finished: Finished, report: dict[str, Any], readme: str
) -> None:
    assert "report" in accesses(finished)
    assert re.search(
        r"The test split was accessed \d+ times: \d{4}-\d\d-\d\d \d\d:\d\d UTC by search --export; ", readme
    )


def test_report_may_overwrite_itself(report: dict[str, Any]) -> None:
    written = [path for path in Path(report["folder"]).rglob("*") if path.is_file()]
    assert len(written) >= len(PICTURES) + 3
    assert [path for path in written if not is_own(path)] == []


def test_recipe_beside_the_report_is_the_winner_s(report: dict[str, Any], readme: str, best: dict[str, Any]) -> None:
    document = yaml.safe_load((Path(report["folder"]) / "recipe.yaml").read_text("utf-8"))
    del document["run"]
    assert document == best["recipe"]
    assert f"$ automl show {best['number']} {STUDY} --recipe > recipe.yaml\n" in readme
    assert "$ automl train recipe.yaml --data digits --export model.pt\n" in readme


def test_device_time_is_the_sum_of_all_epochs(finished: Finished, readme: str) -> None:
    trials = [json.loads(finished.automl("show", str(n), STUDY, "--json").stdout) for n in range(5)]
    seconds = sum(epoch["seconds"] for trial in trials for epoch in trial["epochs"])
    shown = f"{duration(seconds)} ({seconds / 3600:.3f} device hours) in epochs, validation included"
    assert f"| device time | {shown} |" in readme


@pytest.mark.browser
def test_page_draws_everything_without_an_error_or_a_request(report: dict[str, Any], page: Page) -> None:
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    address = Path(report["page"]).as_uri()
    page.goto(address)
    assert page.title() == f"Search {STUDY}"
    for name in PICTURES - {"misclassified"}:
        page.locator(f"#figure-{name} .main-svg").first.wait_for()
    assert page.locator("#figure-history .point").count() == 5
    assert page.locator("#figure-parallel-coordinates .y-axis").count() >= 2
    assert [heading.inner_text() for heading in page.locator("h2").all()] == SECTIONS
    assert page.evaluate("document.querySelector('img').naturalWidth") > 500
    assert errors == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [address]


@pytest.mark.browser
def test_page_fits_a_telephone(report: dict[str, Any], page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(Path(report["page"]).as_uri())
    page.locator("#figure-history .main-svg").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_missing_data_are_said_and_the_rest_is_reported(finished: Finished, tmp_path: Path) -> None:
    before = accesses(finished)
    done = finished.automl("report", STUDY, "--output", tmp_path / "report", "--data", "no/such/photos")
    assert done.returncode == 0, done.stderr
    sentence = "Intervals, the majority class and all that needs images:"
    assert re.search(rf"^missing {sentence} .*no/such/photos", done.stdout, re.M)
    readme = (tmp_path / "report" / "README.md").read_text("utf-8")
    assert f"Missing: {sentence}" in readme
    assert row(readme, "accuracy")[1] == "–"
    assert "## Test results by class" not in readme
    assert accesses(finished) == before


def test_missing_weights_leave_the_test_split_alone(finished: Finished, tmp_path: Path) -> None:
    before = accesses(finished)
    (tmp_path / "elsewhere").mkdir()
    done = finished.automl("report", STUDY, "--output", tmp_path / "report", "--artifacts", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr
    sentence = r"The metrics on the test split: the weights of trial \d are not in .*elsewhere"
    assert re.search(f"^missing {sentence}", done.stdout, re.M)
    readme = (tmp_path / "report" / "README.md").read_text("utf-8")
    assert re.fullmatch(r"0\.\d{3} to [01]\.\d{3}", row(readme, "95 % interval of the accuracy")[0])
    assert row(readme, "accuracy")[1] == "–"
    assert accesses(finished) == before


def test_study_of_one_trial_is_reported(finished: Finished, tmp_path: Path) -> None:
    space = ("--data", "digits", "--space", "space.yaml", "--study", "single")
    done = finished.automl("search", *space, "--trials", "1", "--epochs", "1", "--workers", "1")
    assert done.returncode == 0, done.stderr
    done = finished.automl("report", "single", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    readme = (tmp_path / "README.md").read_text("utf-8")
    assert "This needs 10 complete trials, and the study has 1." in readme
    assert "This needs two complete trials." in readme
    assert "This study has no baselines: fewer than two first recipes were tried." in readme
    assert "No trial was pruned." in readme


def test_study_of_failures_alone_is_reported_without_a_winner(finished: Finished, tmp_path: Path) -> None:
    (finished.folder / "wild.yaml").write_text(
        # Each step multiplies the weights by 1 - 10 × 1.
        "parameters:\n  learning_rate: {value: 10.0}\n  weight_decay: {value: 1.0}\n  optimizer: {value: sgd}\n"
        "  dropout: {min: 0.0, max: 0.1}\n  depth: {value: 0}\n  batch_size: {value: 16}\n  epochs: {value: 2}\n"
        "  schedule: {value: constant}\n"
    )
    space = ("--data", "digits", "--space", "wild.yaml", "--study", "wild")
    finished.automl("search", *space, "--trials", "2", "--workers", "1")
    status = json.loads(finished.automl("status", "wild", "--json").stdout)
    assert (status["failed"], status["complete"]) == (2, 0)
    done = finished.automl("report", "wild", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    readme = (tmp_path / "README.md").read_text("utf-8")
    assert "No trial is complete, so there is no best trial: 0 were pruned and 2 failed." in readme
    assert row(readme, "diverged")[:2] == ["2", "0, 1"]
    assert not (tmp_path / "recipe.yaml").exists()
    assert accesses(finished, "wild") == []


def test_study_without_a_finished_trial_is_refused(finished: Finished, tmp_path: Path) -> None:
    created = finished.automl("create", "empty", "--data", "digits", "--space", "space.yaml")
    assert created.returncode == 0, created.stderr
    done = finished.automl("report", "empty", "--output", tmp_path / "report")
    assert_refused(done, "Study empty has no finished trial, so there is nothing to report yet")
    assert not (tmp_path / "report").exists()


def test_folder_that_cannot_be_made_is_refused_before_the_test_split_is_accessed(
    finished: Finished, tmp_path: Path
) -> None:
    before = accesses(finished)
    (tmp_path / "taken").write_text("a file")
    done = finished.automl("report", STUDY, "--output", tmp_path / "taken")
    assert_refused(done, f"The report cannot be written to {tmp_path}/taken: ", "--output")
    assert accesses(finished) == before


def test_report_is_written_over_an_older_one_and_leaves_other_files_alone(
    finished: Finished, report: dict[str, Any], tmp_path: Path
) -> None:
    copied = tmp_path / "again"
    shutil.copytree(report["folder"], copied)
    (copied / "README.md").write_text(f"{REPORT_LINE}\nold")
    (copied / "notes.txt").write_text("mine")
    done = finished.automl("report", STUDY, "--output", copied)
    assert done.returncode == 0, done.stderr
    page = re.escape(str(copied / "index.html"))
    assert re.match(rf"page    {page} \(\d\.\d MB, needs no network\)\nreadme  ", done.stdout)
    assert (copied / "README.md").read_text("utf-8").startswith(f"{REPORT_LINE}\n\n# Search {STUDY}\n")
    assert (copied / "notes.txt").read_text() == "mine"
    assert not list(copied.rglob("*.unfinished"))
