from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from automl.application.durations import in_units
from automl.application.plan import make_plan
from automl.application.search_options import SearchOptions
from automl.errors import SpaceError, StudyError
from automl.models.rates import Rates, UnitSeconds
from automl.settings import Settings
from automl.study.specification import Specification
from tests.studies import SPECIFICATION

SECONDS = UnitSeconds((1e-3, 1e-4, 1e-9, 1e-8, 1e-10, 1e-9), (1e-4, 1e-8, 1e-11, 1e-9))
RATES = Rates(device="cpu, of a test", images=SECONDS, small_images=SECONDS)


def test_grid_without_an_end_is_refused_before_the_images_are_looked_for(tmp_path: Path) -> None:
    options = SearchOptions(
        data="no/such/photos", space={"method": "grid", "parameters": {"dropout": {"min": 0.0, "max": 0.5}}}
    )
    sentence = (
        "A grid needs an end, and these have none: dropout. "
        "Give `values`, or `q_uniform` with a `q`, or choose another sampler."
    )
    with pytest.raises(SpaceError, match=f"^{re.escape(sentence)}$"):
        make_plan(options, Settings({}), home=tmp_path, on_progress=None)


def test_space_of_a_study_of_the_same_images_stays_as_it_was_built(home: Path) -> None:
    options = SearchOptions(data="digits", space="auto", study="digits-auto", timeout=60)
    own = make_plan(
        dataclasses.replace(options, model="any:network"), Settings({}), home=home, on_progress=None
    ).specification
    stored = dataclasses.replace(own, model=None, rates=RATES)
    asked: list[str] = []

    def found(name: str) -> Specification:
        asked.append(name)
        return stored

    plan = make_plan(options, Settings({}), home=home, on_progress=None, stored=found)
    assert asked == ["digits-auto"]
    stored.check_same(plan.specification, study="digits-auto")
    assert plan.specification.rates == RATES
    changed = dataclasses.replace(options, epochs=3)
    other = make_plan(changed, Settings({}), home=home, on_progress=None, stored=found).specification
    with pytest.raises(StudyError, match="space: epochs differs"):
        stored.check_same(other, study="digits-auto")


def test_speed_of_another_machine_is_no_other_study() -> None:
    slower = dataclasses.replace(SPECIFICATION, rates=dataclasses.replace(RATES, factor=7.0))
    slower.check_same(SPECIFICATION, study="any")
    assert Specification.from_dict(json.loads(json.dumps(slower.as_dict()))) == slower


def test_what_cannot_be_searched_is_refused_before_the_machine_is_measured(home: Path) -> None:
    grid = SearchOptions(data="digits", space="auto", sampler="grid")
    with pytest.raises(SpaceError, match=re.escape("A grid needs an end, and the space auto has ranges.")):
        make_plan(grid, Settings({}), home=home, on_progress=None)
    with pytest.raises(StudyError, match="No study can be called '-x'"):
        make_plan(SearchOptions(data="digits", study="-x"), Settings({}), home=home, on_progress=None)


def test_network_of_ones_own_is_searched_without_a_forecast(home: Path) -> None:
    options = SearchOptions(data="digits", model="my_networks:build")
    plan = make_plan(options, Settings({}), home=home, on_progress=None)
    assert plan.name == "digits-auto-accuracy"
    assert plan.specification.rates is None
    assert "       nothing is forecast for a network of your own" in list(plan.lines())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (99.4, "99 s"), (100, "2 min"), (5_400, "90 min"), (6_600, "1 h 50 min"), (7_200, "2 h")],
)
def test_durations_are_rough(seconds: float, words: str) -> None:
    assert in_units(seconds) == words
