"""`automl best --top N --tta`: one file of several networks, its gain and its price."""

from __future__ import annotations

import json
import re

import pytest

import automl
from tests.finished import Finished
from tests.refusals import assert_refused

STUDY = "digits-space-accuracy"


def test_best_trials_become_one_model(finished: Finished) -> None:
    done = finished.automl("best", STUDY, "--top", "9", "--tta", "--export", "vote.pt", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    vote, test = answer["export"]["vote"], answer["export"]["test"]
    complete = json.loads(finished.automl("status", STUDY, "--json").stdout)["complete"]
    assert f"--top 9: study {STUDY} has {complete} complete trials." in answer["export"]["warnings"]
    assert sum(vote["shares"].values()) == pytest.approx(1)
    assert vote["alone_trial"] == str(answer["number"])
    assert vote["together"]["parameters"] > 0
    assert min(vote["together"]["milliseconds"], vote["alone"]["milliseconds"]) > 0

    model = automl.load_model(finished.folder / "vote.pt")
    assert {str(member.trial): member.share for member in model.card.members} == vote["shares"]
    assert model.tta
    tested = json.loads(finished.automl("evaluate", "vote.pt", "--data", "digits", "--json").stdout)
    assert tested["accuracy"] == test["accuracy"] == vote["together"]["test"]
    assert tested["calibration"] == test["calibration"]
    assert tested["calibration"]["temperature"] == model.card.tta_temperature


def test_gain_and_price_are_printed_for_a_program_too(finished: Finished) -> None:
    done = finished.automl("best", STUDY, "--top", "2", "--tta", "--export", "vote.pt2")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^  members  trial \d \(\d+%\).*mirror image; compared with trial \d alone:$", done.stdout, re.M)
    figures = r"0\.\d{4} instead of [01]\.\d{4}"
    assert re.search(
        rf"^  gain     accuracy, chosen on validation: validation {figures}, test {figures}$", done.stdout, re.M
    )
    assert re.search(r"^  cost     [\d,]+ parameters instead of [\d,]+, \S+ ms an image instead of", done.stdout, re.M)


def test_wishes_that_mean_nothing_are_refused(finished: Finished) -> None:
    assert_refused(finished.automl("best", STUDY, "--top", "3"), "Give --export FILE too")
    assert_refused(finished.automl("best", STUDY, "--top", "3", "--trial", "0", "--export", "x.pt"), "only one of them")


def test_card_tells_data_figures_limits_and_origin(finished: Finished) -> None:
    done = finished.automl("best", STUDY, "--top", "9", "--export", "told.pt", "--json")
    assert done.returncode == 0, done.stderr
    exported = json.loads(done.stdout)["export"]
    assert exported["card"] == "told.md"
    card = (finished.folder / "told.md").read_text("utf-8")
    assert re.findall(r"^## (.*)$", card, re.M) == ["Data", "Figures", "Limits", "How it was found"]
    assert re.search(r"^\| all \| 1,439 \| 179 \| 179 \|$", card, re.M)
    assert re.search(rf"^\| accuracy \| 0\.\d{{4}} \| {exported['test']['accuracy']:.4f} \|$", card, re.M)
    assert len(re.findall(r"^\| \d \| [01]\.\d{3} \| [01]\.\d{3} \| [01]\.\d{3} \| \d+ \|$", card, re.M)) == 10
    assert f"By study `{STUDY}`: 5 trials finished" in card
    (finished.folder / "mine.md").write_text("notes of my own")
    refused = finished.automl("best", STUDY, "--export", "mine.pt")
    assert_refused(refused, "mine.md is there and automl did not write it, so it is not overwritten.")
    assert not (finished.folder / "mine.pt").exists()
