"""What a confirmation found: each of a search's best recipes, trained again with new seeds; neither torch nor Optuna.

A confirmation is a study of its own. Each of its trials carries the attribute `confirms`, which says what trial's
recipe it is; together they say what that recipe is worth beyond the luck of one training.
"""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.confirmation.means import Comparison, mean_interval, welch
from automl.errors import StudyError
from automl.metrics import METRICS, Metric
from automl.results.results import TrialRecord, best_trial, read_trial
from automl.study.specification import ATTRIBUTE, Confirms
from automl.study.study import CONFIRMING, StudyRecord, find_study

CONFIRMS_ATTRIBUTE = "confirms"
"""A trial's user attribute: the number and the value of the search's trial that it repeats, and which seed it is."""
SIGNIFICANT = 0.05
"""Below this p-value, a difference is taken for one."""


@dataclass(frozen=True)
class ConfirmedRecipe:
    """One recipe of the search, and what it reached with new seeds."""

    trial: int
    """The search's trial that found it."""
    search_value: float
    """What the search took it for."""
    values: dict[int, float]
    """By number of the confirmation's complete trial."""
    planned: int
    """Trials, of any state."""
    finished: int
    metric: Metric

    @property
    def mean(self) -> float | None:
        """Of all seeds; None before one of them is complete."""
        return statistics.fmean(self.values.values()) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % of the mean, by Student's t over the seeds; None for fewer than two, or where all are the same."""
        found = mean_interval(list(self.values.values()))
        if found is None:
            return None
        low, high = found
        return max(0.0, low), min(1.0, high) if self.metric.maximize else high

    @property
    def luck(self) -> float | None:
        """By how much the search's value flatters the recipe; negative: it does not."""
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
            "luck": self.luck,
            "values": self.values,
            "planned": self.planned,
            "finished": self.finished,
        }


@dataclass(frozen=True)
class Confirmation:
    """A study that confirms another one, as far as it is."""

    record: StudyRecord
    recipes: tuple[ConfirmedRecipe, ...]
    """The best mean first; those without one at the end."""

    @property
    def confirms(self) -> Confirms:
        """Which study's recipes, and how they are trained."""
        assert self.record.specification.confirms is not None
        return self.record.specification.confirms

    @property
    def planned(self) -> int:
        """Trials in all."""
        return sum(recipe.planned for recipe in self.recipes)

    @property
    def finished(self) -> int:
        """Trials that are complete or failed."""
        return sum(recipe.finished for recipe in self.recipes)

    @property
    def is_over(self) -> bool:
        """Whether every planned trial is finished: before that it decides nothing."""
        return 0 < self.planned == self.finished

    @property
    def winner(self) -> ConfirmedRecipe | None:
        """The recipe of the best mean, once all is finished and one has a mean."""
        return self.recipes[0] if self.is_over and self.recipes[0].values else None

    @property
    def second(self) -> ConfirmedRecipe | None:
        """The next one, if there is one with a mean."""
        return self.recipes[1] if len(self.recipes) > 1 and self.recipes[1].values else None

    @cached_property
    def comparison(self) -> Comparison | None:
        """Of the winner with the second; None where their values cannot say."""
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
class Choice:
    """The trial that a study's user should take, and why."""

    record: StudyRecord
    """The study that the trial belongs to: the search, or its confirmation."""
    trial: TrialRecord
    confirmation: Confirmation | None
    """That chose it, or is not over yet; None: there is none."""

    @property
    def is_confirmed(self) -> bool:
        """Whether the confirmation chose."""
        return self.confirmation is not None and self.confirmation.record.study_id == self.record.study_id


def choose_best(connection: Connection, record: StudyRecord) -> Choice:
    """The best seed, by validation, of the recipe that a confirmation of the study found best; else its best trial.

    Raises: StudyError if no trial is complete.
    """
    confirmation = find_confirmation(connection, record)
    if confirmation is None or confirmation.winner is None:
        return Choice(record, best_trial(connection, record), confirmation)
    chosen = read_trial(connection, confirmation.record, confirmation.winner.best_trial)
    return Choice(confirmation.record, chosen, confirmation)


def find_confirmation(connection: Connection, record: StudyRecord) -> Confirmation | None:
    """The newest confirmation of a search; of a confirmation itself, what it is so far."""
    if record.specification.confirms is not None:
        return read_confirmation(connection, record)
    names = connection.scalars(
        text(
            "SELECT study_name FROM studies JOIN automl_studies USING (study_id)"
            " JOIN study_user_attributes AS attributes USING (study_id)"
            " WHERE attributes.key = :key AND value_json LIKE :confirms ORDER BY study_id DESC"
        ),
        {"key": ATTRIBUTE, "confirms": CONFIRMING},
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
    found = find_study(connection, confirms.study)
    if found.uid != confirms.uid:
        raise StudyError(
            f"Study {record.name} confirms a study {confirms.study} that was deleted; the present one is another. "
            f"Delete it with: automl delete {record.name}"
        )
    return found


def record_test_opening(connection: Connection, record: StudyRecord, *, command: str) -> None:
    """Write down that a command looked at the test split: on the search, whose wall it is, also for a confirmation."""
    try:
        search = confirmed_study(connection, record)
    except StudyError:  # it was deleted
        search = record
    connection.execute(
        text("INSERT INTO automl_test_openings (study_id, command) VALUES (:study, :command)"),
        {"study": search.study_id, "command": command},
    )


def read_confirmation(connection: Connection, record: StudyRecord) -> Confirmation:
    """All that a confirmation's trials say of each recipe."""
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
        finished=sum(row.state in ("COMPLETE", "PRUNED", "FAIL") for row in rows),
        metric=metric,
    )
