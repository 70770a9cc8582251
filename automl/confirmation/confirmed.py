"""Results of a confirmation: the best recipes of a search, trained again with new seeds. No torch, no Optuna.

A confirmation is a study of its own. Each of its trials has the attribute `confirms`, which names the search's trial
whose recipe it repeats. The mean over the new seeds is free of the selection bias of one training.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.confirmation.means import WelchTest, mean_interval, welch
from automl.errors import StudyError
from automl.metrics import METRICS, Metric
from automl.results.best import best_trial, best_unfinished, find_best
from automl.results.trials import TrialRecord, read_trial
from automl.sanitize import shell_word
from automl.storage.attributes import CONFIRMS_ATTRIBUTE, SPECIFICATION_ATTRIBUTE
from automl.storage.sql_facts import FINISHED_STATES
from automl.study.record import CONFIRMING, StudyRecord, find_study, find_study_by_uid
from automl.study.specification import Confirms

SIGNIFICANT = 0.05
"""Significance level: largest p-value of a difference that counts."""


@dataclass(frozen=True)
class ConfirmedRecipe:
    """One recipe of the search, and its values with new seeds."""

    trial: int
    """Number of the search's trial that found it."""
    search_value: float
    """Value in the search."""
    values: dict[int, float]
    """Values by number of the confirmation's complete trial."""
    planned: int
    """Number of trials, in any state."""
    finished: int
    metric: Metric

    @property
    def mean(self) -> float | None:
        """Mean of all seeds. None before one of them is complete."""
        return statistics.fmean(self.values.values()) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean, by Student's t over the seeds. None for fewer than two or equal ones."""
        found = mean_interval(list(self.values.values()))
        if found is None:
            return None
        low, high = found
        return max(0.0, low), min(1.0, high) if self.metric.maximize else high

    @property
    def selection_bias(self) -> float | None:
        """Difference between the value in the search and the mean: positive if the search overestimates the recipe."""
        if self.mean is None:
            return None
        return self.search_value - self.mean if self.metric.maximize else self.mean - self.search_value

    @property
    def best_trial(self) -> int:
        """The confirmation's trial whose validation value is best, the older one of two that are equal."""
        sign = -1 if self.metric.maximize else 1
        return min(self.values, key=lambda number: (sign * self.values[number], number))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "trial": self.trial,
            "search_value": self.search_value,
            "mean": self.mean,
            "interval": self.interval,
            "luck": self.selection_bias,
            "values": self.values,
            "planned": self.planned,
            "finished": self.finished,
        }


@dataclass(frozen=True)
class Confirmation:
    """A study that confirms another one, in its present state."""

    record: StudyRecord
    recipes: tuple[ConfirmedRecipe, ...]
    """Confirmed recipes, the best mean first, those without a mean last."""

    @property
    def confirms(self) -> Confirms:
        """The confirmed study, and how its recipes are trained."""
        assert self.record.specification.confirms is not None
        return self.record.specification.confirms

    @property
    def planned(self) -> int:
        """Number of all trials."""
        return sum(recipe.planned for recipe in self.recipes)

    @property
    def finished(self) -> int:
        """Number of trials that are complete or failed."""
        return sum(recipe.finished for recipe in self.recipes)

    @property
    def is_over(self) -> bool:
        """Whether every planned trial is finished. Before that, nothing is decided."""
        return 0 < self.planned == self.finished

    @property
    def winner(self) -> ConfirmedRecipe | None:
        """The recipe with the best mean, once all trials are finished and one has a mean."""
        return self.recipes[0] if self.is_over and self.recipes[0].values else None

    @property
    def second(self) -> ConfirmedRecipe | None:
        """The recipe with the second best mean, if there is one."""
        return self.recipes[1] if len(self.recipes) > 1 and self.recipes[1].values else None

    @cached_property
    def comparison(self) -> WelchTest | None:
        """Test of the winner against the second. None if their values allow none."""
        if self.winner is None or self.second is None:
            return None
        return welch(list(self.winner.values.values()), list(self.second.values.values()))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        found = self.comparison
        return {
            "study": self.record.name,
            "confirms": self.confirms.study,
            "epochs_factor": self.confirms.epochs_factor,
            "finished": self.finished,
            "planned": self.planned,
            "recipes": [recipe.as_dict() for recipe in self.recipes],
            "winner": self.winner.trial if self.winner else None,
            "p_value": found.p_value if found else None,
            "first_beats_second": found.p_value < SIGNIFICANT if found else None,
        }


@dataclass(frozen=True)
class RecommendedTrial:
    """The trial that a study's user should take, and what chose it."""

    record: StudyRecord
    """Study of the trial: the search, or its confirmation."""
    trial: TrialRecord
    confirmation: Confirmation | None
    """Confirmation that chose the trial, or is not over yet. None if there is none."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the confirmation chose."""
        return self.confirmation is not None and self.confirmation.record.study_id == self.record.study_id


def choose_best(connection: Connection, record: StudyRecord) -> RecommendedTrial:
    """The best seed, by validation, of the recipe that a confirmation of the study found best; else its best trial.

    While no trial is complete, the best one whose weights so far are stored.

    Raises: StudyError if no trial is complete.
    """
    confirmation = find_confirmation(connection, record)
    if confirmation is None or confirmation.winner is None:
        unfinished = best_unfinished(connection, record) if find_best(connection, record) is None else None
        return RecommendedTrial(record, unfinished or best_trial(connection, record), confirmation)
    chosen = read_trial(connection, confirmation.record, confirmation.winner.best_trial)
    return RecommendedTrial(confirmation.record, chosen, confirmation)


def find_confirmation(connection: Connection, record: StudyRecord) -> Confirmation | None:
    """Read the newest confirmation of a search. A confirmation itself is read as it is."""
    if record.specification.confirms is not None:
        return read_confirmation(connection, record)
    names = connection.scalars(
        text(
            "SELECT study_name FROM studies JOIN automl_studies USING (study_id)"
            " JOIN study_user_attributes AS attributes USING (study_id)"
            " WHERE attributes.key = :key AND value_json LIKE :confirms ORDER BY study_id DESC"
        ),
        {"key": SPECIFICATION_ATTRIBUTE, "confirms": CONFIRMING},
    ).all()
    for name in names:
        found = find_study(connection, name)
        confirms = found.specification.confirms
        if confirms is not None and confirms.uid == record.uid:
            return read_confirmation(connection, found)
    return None


def confirmed_study(connection: Connection, record: StudyRecord) -> StudyRecord:
    """The search that a confirmation confirms; a search itself.

    Raises: StudyError if it was deleted.
    """
    confirms = record.specification.confirms
    if confirms is None:
        return record
    found = find_study_by_uid(connection, confirms.uid)
    if found is None:
        find_study(connection, confirms.study)
        raise StudyError(
            f"Study {record.name} confirms a study {confirms.study} that was deleted; the present one is another. "
            f"Delete it with: automl delete {shell_word(record.name)}"
        )
    return found


def record_test_access(connection: Connection, record: StudyRecord, *, command: str) -> None:
    """Record that a command read the test split. The access belongs to the search, also for a confirmation."""
    try:
        search = confirmed_study(connection, record)
    except StudyError:  # it was deleted
        search = record
    connection.execute(
        text("INSERT INTO automl_test_openings (study_id, command) VALUES (:study, :command)"),
        {"study": search.study_id, "command": command},
    )


def read_confirmation(connection: Connection, record: StudyRecord) -> Confirmation:
    """Read the values of each recipe from a confirmation's trials."""
    rows = connection.execute(
        text(
            """
            SELECT number, CAST(state AS text) AS state, value, attributes.value_json AS confirms
            FROM trials JOIN trial_user_attributes AS attributes USING (trial_id)
            LEFT JOIN trial_values USING (trial_id)
            WHERE study_id = :study AND key = :key ORDER BY number
            """
        ),
        {"study": record.study_id, "key": CONFIRMS_ATTRIBUTE},
    )
    metric = METRICS[record.specification.metric]
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(json.loads(row.confirms)["trial"], []).append(row)
    recipes = [_recipe(trial, of, metric) for trial, of in found.items()]
    sign = -1 if metric.maximize else 1
    ordered = sorted(recipes, key=lambda one: (one.mean is None, sign * (one.mean or 0.0)))
    return Confirmation(record, tuple(ordered))


def _recipe(trial: int, rows: list[Any], metric: Metric) -> ConfirmedRecipe:
    complete = [row for row in rows if row.state == "COMPLETE"]
    return ConfirmedRecipe(
        trial=trial,
        search_value=json.loads(rows[0].confirms)["value"],
        values={row.number: row.value for row in complete},
        planned=len(rows),
        finished=sum(row.state in FINISHED_STATES for row in rows),
        metric=metric,
    )
