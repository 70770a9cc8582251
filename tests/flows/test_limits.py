"""`--max-parameters`: what is over it is never trained, the budget stays exact, and what is exported is within it."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from automl.storage.database import open_database
from tests.finished import Finished, kept_open
from tests.refusals import assert_refused

SPACE = """\
parameters:
  width: {values: [8, 16]}
  depth: {value: 1}
  epochs: {value: 1}
first: [{width: 8}, {width: 16}, {width: 8}]
"""
LIMITS = ("--max-parameters", "1000", "--max-milliseconds", "60000")
OPTIONS = ("--data", "digits", "--space", "space.yaml", "--study", "small")


@pytest.fixture(scope="module")
def limited() -> Iterator[Finished]:
    """A study whose second trial's network has more than a thousand parameters."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        searched = Finished(Path(folder))
        (searched.folder / "space.yaml").write_text(SPACE)
        with kept_open(searched.folder):
            searched.done = searched.automl("search", *OPTIONS, "--trials", "3", "--workers", "1", *LIMITS)
            assert searched.done.returncode == 0, searched.done.stderr
            yield searched


@pytest.fixture(scope="module")
def trials(limited: Finished) -> list[dict[str, Any]]:
    return [json.loads(limited.automl("show", str(number), "small", "--json").stdout) for number in range(3)]


def test_network_over_a_limit_ends_untrained_with_the_reason_and_counts(
    limited: Finished, trials: list[dict[str, Any]]
) -> None:
    assert "networks of at most 1,000 parameters and 60000 ms an image; what is over it is not" in limited.done.stderr
    assert [trial["state"] for trial in trials] == ["complete", "pruned", "complete"]
    over = trials[1]
    assert (over["failure"], over["epochs"]) == ("over a limit", [])
    assert re.fullmatch(r"The network is too much: 2,682 parameters \(--max-parameters 1000\)\.", over["reason"])
    assert all(trial["milliseconds"] > 0 for trial in trials)
    status = limited.automl("status", "small").stdout
    assert "3 of 3 finished: 2 complete, 1 pruned, 0 failed (1 pruned untrained, over a limit)" in status


def test_optuna_knows_the_constraints_of_every_trial(limited: Finished, trials: list[dict[str, Any]]) -> None:
    statement = "SELECT number, value_json FROM trial_system_attributes JOIN trials USING (trial_id) WHERE key = :key"
    with open_database(None, home=limited.folder / ".automl") as database, database.engine.connect() as connection:
        rows = connection.execute(text(statement), {"key": "constraints:parameters"}).all()
    stored = {row.number: json.loads(row.value_json) for row in rows}
    assert stored == {trial["number"]: pytest.approx(trial["parameters"] / 1000 - 1) for trial in trials}


def test_ensemble_stays_within_the_limits(limited: Finished) -> None:
    done = limited.automl("best", "small", "--top", "3", "--export", "vote.pt", "--json")
    assert done.returncode == 0, done.stderr
    vote = json.loads(done.stdout)["export"]["vote"]
    assert vote is None or vote["together"]["parameters"] <= 1000


def test_other_limits_are_another_study(limited: Finished) -> None:
    done = limited.automl("create", "small", *OPTIONS[:4], "--trials", "3", "--max-parameters", "5000")
    assert_refused(done, "max_parameters: it has 1000, this command asks for 5000")


def test_trials_over_the_limits_are_not_imported(limited: Finished) -> None:
    options = (*OPTIONS[:4], "--trials", "9", "--from", "small")
    done = limited.automl("create", "smaller", *options, "--max-parameters", "10")
    assert done.returncode == 0, done.stderr
    assert json.loads(limited.automl("status", "smaller", "--json").stdout)["finished"] == 0


def test_report_shows_the_front_and_says_what_was_not_trained(limited: Finished) -> None:
    done = limited.automl("report", "small", "--output", "report")
    assert done.returncode == 0, done.stderr
    readme = (limited.folder / "report" / "README.md").read_text("utf-8")
    assert "| limits | at most 1,000 parameters and 60000 ms an image |" in readme
    assert "2 complete, 0 pruned, 1 over a limit and not trained, 0 failed" in readme
    assert "Another 1 trial cost nothing: over a limit and not trained." in readme
    assert re.search(
        r"^\| Pareto front \| validation accuracy \| parameters \| ms an image \| network \|$", readme, re.M
    )
