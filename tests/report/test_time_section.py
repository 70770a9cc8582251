from __future__ import annotations

import dataclasses
from datetime import timedelta

from automl.models.rates import Rates, UnitSeconds
from automl.recipe import Recipe
from automl.report.document import Paragraph, Picture, ReportTable
from automl.report.facts import Facts
from automl.report.sections.time_section import time_section
from automl.report.study_clock import StudyClock
from tests.report.conftest import NOON, MakeFacts, trial

BEGIN = NOON.replace(tzinfo=None)


def facts(make_facts: MakeFacts) -> Facts:
    ends = {0: 20.0, 3: 50.0, 5: -100.0}
    trials = [
        trial(number, "complete", 0.5 + number / 10, completed_at=BEGIN + timedelta(seconds=seconds))
        for number, seconds in ends.items()
    ]
    found = make_facts(trials)
    status = dataclasses.replace(found.status, budget_seconds=80.0, lost_seconds=5.0, final_share=0.25)
    clock = StudyClock(60.0, ((BEGIN, BEGIN + timedelta(seconds=60)),))
    return dataclasses.replace(found, status=status, clock=clock)


def test_split_loss_and_first_model_are_told(make_facts: MakeFacts) -> None:
    table, picture, remark = time_section(facts(make_facts)).blocks
    assert isinstance(table, ReportTable)
    assert table.rows == (
        ("used", "60 s of 80 s, 20 s left"),
        ("first models", "2.7 s, from 0.0 s on"),
        ("search", "57 s, from 2.7 s on"),
        ("final training", "20 s, from 60 s on"),
        ("on trials", "50 s of all workers together"),
        ("left nothing", "10.0% (5.0 s), in trials that failed or wait again"),
    )
    assert isinstance(picture, Picture)
    assert picture.name == "best-over-time"
    assert remark == Paragraph("The first complete model, trial 0, was there after 20 s.")  # an imported one was not


def test_copied_study_has_no_clock_and_no_picture(make_facts: MakeFacts) -> None:
    [table] = time_section(make_facts()).blocks
    assert isinstance(table, ReportTable)
    assert [row[0] for row in table.rows] == ["used", "on trials", "left nothing"]


def test_forecast_stands_beside_the_real_seconds(make_facts: MakeFacts) -> None:
    """A second a step, five steps of 128 of 700 images, and nothing else costs: epochs of 5 s."""
    a_step = UnitSeconds((1.0, 0, 0, 0, 0, 0), (0, 0, 0, 0))
    rates = Rates(device="cpu", images=a_step, small_images=a_step)
    recipe = Recipe(depth=1, batch_size=128, epochs=4).as_dict()
    trials = [trial(0, "complete", 0.5, recipe=recipe, seconds=6.0), trial(1, "failed", recipe=recipe)]
    _, picture, remark = time_section(make_facts(trials, rates=rates, split_sizes=(700, 300))).blocks
    assert isinstance(picture, Picture)
    assert picture.name == "forecasts"
    assert isinstance(remark, Paragraph)
    assert remark.text.startswith("An epoch took 1.20 times its forecast by median; of 1 trial, 1 had")
