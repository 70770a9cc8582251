"""`automl confirm` on a real search: two recipes trained again, and everything that then prefers their winner."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from automl.storage.database import open_database
from tests.finished import SPACE, Finished, kept_open
from tests.refusals import assert_refused

STUDY = "digits-space-accuracy"
DIGITS = ("--data", "digits", "--space", "space.yaml")
CONFIRMED = f"{STUDY}-confirmed"


@pytest.fixture(scope="module")
def confirmed() -> Iterator[Finished]:
    """A folder with a search of three trials; its two best recipes are trained twice more, the first by a worker."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        searched = Finished(Path(folder))
        (searched.folder / "space.yaml").write_text(SPACE)
        with kept_open(searched.folder):
            for command in (
                ("search", *DIGITS, "--trials", "3", "--epochs", "1", "--workers", "1"),
                ("confirm", "--top", "1", "--seeds", "1", "--epochs-factor", "2", "--workers", "0"),
                ("worker", CONFIRMED, "--threads", "1"),
                ("confirm", "--top", "2", "--seeds", "2", "--workers", "1"),
            ):
                searched.done = searched.automl(*command)
                assert searched.done.returncode == 0, searched.done.stderr
            yield searched


@pytest.fixture(scope="module")
def report(confirmed: Finished) -> Path:
    """The folder of the search's report."""
    done = confirmed.automl("report", "--output", "report")
    assert done.returncode == 0, done.stderr
    return confirmed.folder / "report"


def test_means_and_conclusions_are_printed(confirmed: Finished) -> None:
    said = confirmed.done.stdout
    assert said.startswith(
        f"Study {CONFIRMED}: 2 recipes of study {STUDY} with new seeds, 2 × the epochs; validation accuracy\n"
    )
    assert re.search(r"^trial \d +[01]\.\d{4} +[01]\.\d{4} .* 2 of 2 +[01]\.\d{4}, [01]\.\d{4} *$", said, re.M)
    assert re.search(r"Welch's t-test, two-sided: p = |cannot be tested", said)
    assert re.search(r"^(Selection bias|No selection bias is seen): trial \d had [01]\.\d{4} in the search", said, re.M)
    assert said.endswith(f"next   automl best {STUDY} --export model.pt\n")
    assert f"study  {CONFIRMED}: 3 trials to train" in confirmed.done.stderr


def test_trials_are_never_pruned_and_train_longer(confirmed: Finished) -> None:
    for number in (0, 3):
        trial = json.loads(confirmed.automl("show", str(number), CONFIRMED, "--json").stdout)
        assert (trial["state"], trial["recipe"]["epochs"], len(trial["epochs"])) == ("complete", 2, 2)


def test_best_prefers_the_confirmed_winner_and_says_so(confirmed: Finished) -> None:
    answer = json.loads(confirmed.automl("best", "--json").stdout)
    recipe = answer["confirmed_by"]["recipes"][0]
    assert answer["study"] == CONFIRMED
    assert answer["value"] == max(recipe["values"].values()) == recipe["values"][str(answer["number"])]
    told = confirmed.automl("best").stdout
    assert told.startswith(f"Trial {answer['number']} of study {CONFIRMED}: validation accuracy ")
    assert f"  confirmed: the best of 2 new seeds of the recipe of trial {recipe['trial']} of study {STUDY}" in told
    shown = confirmed.automl("show", "best").stdout
    assert re.search(rf"^trial +{answer['number']} of study {CONFIRMED}$", shown, re.M)
    status = confirmed.automl("status").stdout
    assert f"confirmation {CONFIRMED}: 4 of 4 trials finished; the recipe of trial {recipe['trial']} has" in status


def test_ensemble_draws_from_search_and_confirmation(confirmed: Finished) -> None:
    done = confirmed.automl("best", "--top", "7", "--tta", "--export", "vote.pt", "--json")
    assert done.returncode == 0, done.stderr
    exported = json.loads(done.stdout)["export"]
    assert exported["vote"]["alone_trial"].startswith(f"{CONFIRMED}/")
    assert not [line for line in exported["warnings"] if line.startswith("--top")]  # three and four trials are seven
    card = (confirmed.folder / "vote.md").read_text("utf-8")
    assert f"Study `{CONFIRMED}` trained the best recipes of study `{STUDY}` again, with new seeds and 2 times" in card


def test_report_is_of_the_confirmed_winner_and_shows_the_selection_bias(confirmed: Finished, report: Path) -> None:
    best = json.loads(confirmed.automl("best", "--json").stdout)
    readme = (report / "README.md").read_text("utf-8")
    assert "](images/confirmation.png)" in readme
    assert (report / "images" / "confirmation.png").exists()
    first = best["confirmed_by"]["recipes"][0]
    assert f"Trial {best['number']} of study {CONFIRMED} (the best of 2 new seeds of trial {first['trial']}'s" in readme
    assert "The validation metrics are the best of 2 seeds and chose this trial" in readme
    selection_bias = first["search_value"] - first["mean"]
    assert f"| trial {first['trial']} | {first['search_value']:.4f} | {first['mean']:.4f} |" in readme
    assert f"| {selection_bias:+.4f} | 2 of 2 |" in readme
    assert f"$ automl show {best['number']} {CONFIRMED} --recipe > recipe.yaml\n" in readme
    assert re.search(r"^\| confirmation \| 4 trials, .* device hours", readme, re.M)


def test_looks_at_the_test_split_are_the_search_s(confirmed: Finished, report: Path) -> None:
    statement = "SELECT study_name FROM automl_test_openings JOIN studies USING (study_id)"
    with open_database(None, home=confirmed.folder / ".automl") as database, database.engine.connect() as connection:
        assert set(connection.scalars(text(statement))) == {STUDY}


@pytest.mark.browser
def test_page_draws_the_confirmation(report: Path, page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((report / "index.html").as_uri())
    page.locator("#figure-confirmation .main-svg").first.wait_for()
    assert page.locator("#figure-confirmation .errorbars path").count() in (1, 2)
    assert errors == []


def test_finished_confirmation_trains_nothing_more(confirmed: Finished) -> None:
    done = confirmed.automl("confirm", CONFIRMED, "--top", "2", "--seeds", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert f"study  {CONFIRMED}: 0 trials to train" in done.stderr
    assert json.loads(done.stdout)["finished"] == 4


def test_confirmation_whose_time_is_used_up_asks_for_more(confirmed: Finished) -> None:
    asked = (CONFIRMED, "--top", "2", "--seeds", "3")
    done = confirmed.automl("confirm", *asked, "--timeout", "0.1", "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"go on   automl confirm {' '.join(asked)} --timeout LONGER\n")


def test_search_without_a_complete_trial_cannot_be_confirmed(confirmed: Finished) -> None:
    confirmed.automl("create", "empty", "--data", "digits", "--space", "space.yaml")
    assert_refused(confirmed.automl("confirm", "empty"), "Study empty has no complete trial yet")
    confirmed.automl("delete", "empty", "--yes")


def test_deleted_search_leaves_its_confirmation_and_says_so(confirmed: Finished) -> None:
    done = confirmed.automl("delete", STUDY, "--yes")
    assert done.returncode == 0, done.stderr
    assert f"What confirms it, study {CONFIRMED}, stays; delete it with: automl delete {CONFIRMED}" in done.stdout
    assert confirmed.automl("best", CONFIRMED).stdout.startswith("Trial ")
    assert_refused(confirmed.automl("confirm", CONFIRMED), f"There is no study '{STUDY}'")
