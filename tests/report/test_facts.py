from __future__ import annotations

import dataclasses
import re

import pytest

from automl.confirmation.confirmed import record_test_access
from automl.errors import StudyError
from automl.recipe import Recipe
from automl.report.facts import (
    Failure,
    baseline_trials,
    best_result,
    effort_of,
    failures_by_kind,
    read_facts,
    read_test_accesses,
)
from automl.spaces.baselines import baseline_recipes
from automl.spaces.file import load_space
from automl.storage.database import Database
from tests.report.conftest import TRIALS, MakeFacts, trial
from tests.studies import MakeStudy, database, make_study

__all__ = ["database", "make_study"]  # fixtures


def test_pruned_trial_saved_its_other_epochs_at_its_own_pace() -> None:
    effort = effort_of(TRIALS[1])
    assert (effort.state, effort.trained_seconds, effort.saved_seconds) == ("pruned", 6.0, 6.0)


@pytest.mark.parametrize("number", [0, 2, 3])
def test_only_pruning_saves(number: int) -> None:
    assert effort_of(TRIALS[number]).saved_seconds == 0


def test_best_trial_comes_first_and_the_older_of_two_that_are_equal(make_facts: MakeFacts) -> None:
    facts = make_facts([*TRIALS, trial(4, "complete", 0.9)])
    assert [one.number for one in facts.best_first] == [3, 4, 0]
    assert facts.winner is not None
    assert facts.winner.number == 3


def test_lowest_loss_wins(make_facts: MakeFacts) -> None:
    trials = [dataclasses.replace(one, value=value) for one, value in ((TRIALS[0], 0.3), (TRIALS[3], 0.1))]
    facts = make_facts(trials, metric="loss")
    assert [one.number for one in facts.best_first] == [3, 0]
    assert facts.gain(0.1, over=0.3) == pytest.approx(0.2)


def test_reached_is_the_best_of_a_complete_trial_and_the_last_of_another(make_facts: MakeFacts) -> None:
    facts = make_facts()
    assert [facts.reached(one) for one in facts.trials] == [0.7, 0.4, None, 0.9]
    assert make_facts(metric="macro_f1").reached(TRIALS[1]) == pytest.approx(0.3)


def test_best_result_is_the_epoch_whose_weights_were_kept() -> None:
    assert best_result(TRIALS[0]).epoch == 2


def test_failures_are_counted_by_kind_the_most_frequent_first() -> None:
    failed = [
        trial(5, "failed", failure="out of memory", reason="CUDA out of memory"),
        trial(6, "failed", failure="bug", reason="Traceback…\nKeyError: 'x'\n"),
        trial(7, "failed", failure="bug", reason="ValueError"),
        trial(8, "failed"),
    ]
    assert failures_by_kind([*TRIALS[:2], *failed]) == (
        Failure("bug", (6, 7), "KeyError: 'x'"),
        Failure("out of memory", (5,), "CUDA out of memory"),
        Failure("unknown", (8,), "nothing was written down"),
    )


def test_baselines_are_the_trials_with_the_first_recipes(make_facts: MakeFacts) -> None:
    space = load_space({"parameters": {"depth": {"min": 0, "max": 3}, "epochs": {"value": 4}}})
    recipes = [Recipe(depth=int(values["depth"]), epochs=4).as_dict() for values in baseline_recipes(space.parameters)]
    trials = [trial(number, "complete", 0.5, recipe=recipe) for number, recipe in enumerate(recipes)]
    assert [one.number for one in baseline_trials(make_facts(trials, space=space))] == list(range(len(recipes)))
    imported = dataclasses.replace(trials[0], recipe=Recipe(depth=3, epochs=4).as_dict())
    assert [one.number for one in baseline_trials(make_facts([imported, *trials[1:]], space=space))] == [1, 2]


def test_grid_has_no_baselines(make_facts: MakeFacts) -> None:
    assert baseline_trials(make_facts(sampler="grid")) == ()


def test_study_without_a_finished_trial_is_refused(database: Database, make_study: MakeStudy) -> None:
    record = make_study()
    sentence = (
        "Study faces has no finished trial, so there is nothing to report yet (0 running, 0 waiting). "
        "Let it go on with: automl worker faces"
    )
    with database.engine.connect() as connection, pytest.raises(StudyError, match=re.escape(sentence)):
        read_facts(connection, record)


def test_accesses_of_this_study_are_read_in_their_order(database: Database, make_study: MakeStudy) -> None:
    record, other = make_study(), make_study("other")
    for study, command in ((record, "search --export"), (other, "best --export"), (record, "report")):
        with database.engine.begin() as connection:
            record_test_access(connection, study, command=command)
    with database.engine.connect() as connection:
        accesses = read_test_accesses(connection, [record])
    assert [access.command for access in accesses] == ["search --export", "report"]
    assert accesses[0].accessed_at <= accesses[1].accessed_at
