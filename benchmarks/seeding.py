"""Studies that are full already: made-up finished trials with parameters and curves, written by COPY.

    seed_trials(database, record, trials=5000)

fills a study that `create_or_continue` made. Optuna's rows and ours are those that workers would have written; 5,000
trials of 20 epochs take about ten seconds. Weights and checkpoints are not made.
"""

from __future__ import annotations

import csv
import io
import json
import math
import random
from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from psycopg2 import extensions
from sqlalchemy import Row, text
from sqlalchemy.engine import Connection

from automl.metrics import METRICS, EpochResult
from automl.storage.attributes import EPOCHS_ATTRIBUTE, RECIPE_ATTRIBUTE
from automl.storage.database import Database
from automl.storage.schema import EPOCH_COLUMNS
from automl.study.record import StudyRecord
from automl.study.specification import Specification

PRUNED_SHARE = 0.4
"""Of the finished trials, those that were stopped early."""


class Draw:
    """Draws at random what a space suggests, and keeps it as Optuna would store it."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.stored: dict[str, tuple[float, str]] = {}
        """Internal value and distribution by the parameter's name."""
        self.values: dict[str, Any] = {}

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number."""
        return int(self._keep(name, round(self._between(low, high, log)), IntDistribution(low, high, log)))

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number."""
        return float(self._keep(name, self._between(low, high, log), FloatDistribution(low, high, log)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices."""
        return self._keep(name, self._dice.choice(choices), CategoricalDistribution(choices))

    def _between(self, low: float, high: float, log: bool) -> float:
        if log:
            return min(high, max(low, math.exp(self._dice.uniform(math.log(low), math.log(high)))))
        return self._dice.uniform(low, high)

    def _keep(self, name: str, value: Any, distribution: BaseDistribution) -> Any:
        if name not in self.stored:
            self.stored[name] = distribution.to_internal_repr(value), distribution_to_json(distribution)
            self.values[name] = value
        return self.values[name]


def curve(dice: random.Random, *, epochs: int) -> list[EpochResult]:
    """Figures of a made-up training: it rises towards a level of its own, with some noise."""
    level, speed = dice.uniform(0.5, 0.95), dice.uniform(2, 6)
    return [_epoch_result(epoch, level * (1 - math.exp(-(epoch + 1) / speed)), dice) for epoch in range(epochs)]


def _epoch_result(epoch: int, accuracy: float, dice: random.Random) -> EpochResult:
    seen = min(1.0, max(0.0, accuracy + dice.gauss(0, 0.01)))
    return EpochResult(
        epoch=epoch,
        train_loss=2 * (1 - accuracy),
        train_accuracy=accuracy,
        validation_loss=2 * (1 - seen),
        validation_accuracy=seen,
        validation_macro_f1=seen,
        validation_balanced_accuracy=seen,
        gradient_norm=dice.random(),
        learning_rate=0.01,
        images_per_second=1000 * dice.uniform(0.9, 1.1),
        seconds=dice.uniform(0.9, 1.1),
    )


TABLES = {
    "trial_params": ("trial_id", "param_name", "param_value", "distribution_json"),
    "trial_user_attributes": ("trial_id", "key", "value_json"),
    "trial_system_attributes": ("trial_id", "key", "value_json"),
    "trial_values": ("trial_id", "objective", "value", "value_type"),
    "trial_intermediate_values": ("trial_id", "step", "intermediate_value", "intermediate_value_type"),
    "automl_trials": ("trial_id", "epochs", "parameters", "threads"),
    "automl_epochs": ("trial_id", *EPOCH_COLUMNS),
}
"""Columns that are written, by table."""
Rows = dict[str, list[tuple[Any, ...]]]


def seed_trials(database: Database, record: StudyRecord, *, trials: int, seed: int = 0) -> None:
    """Add `trials` finished trials with recipes of the study's space; the same `seed` makes the same ones."""
    dice = random.Random(seed)
    pruned = [dice.random() < PRUNED_SHARE for _ in range(trials)]
    rows: Rows = {table: [] for table in TABLES}
    with database.engine.begin() as connection:
        for trial in _insert_trials(connection, record.study_id, pruned):
            _add_trial(rows, record.specification, trial, dice)
        for table, columns in TABLES.items():
            _copy(connection, f"{table} ({', '.join(columns)})", rows[table])
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # as autovacuum soon would


def _insert_trials(connection: Connection, study_id: int, pruned: Sequence[bool]) -> Sequence[Row[Any]]:
    """Primary key, number and state of new trials, whose numbers follow those that are there."""
    return connection.execute(
        text(
            """
            INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
            SELECT position - 1 + (SELECT count(*) FROM trials WHERE study_id = :study),
                   :study, CASE WHEN pruned THEN 'PRUNED' ELSE 'COMPLETE' END::trialstate,
                   timezone('utc', now()) - interval '30 seconds', timezone('utc', now())
            FROM unnest(CAST(:pruned AS boolean[])) WITH ORDINALITY AS made (pruned, position)
            RETURNING trial_id, number, state
            """
        ),
        {"study": study_id, "pruned": list(pruned)},
    ).all()


def _add_trial(rows: Rows, specification: Specification, trial: Row[Any], dice: random.Random) -> None:
    """Append what each table holds of a trial."""
    draw, metric = Draw(dice), METRICS[specification.metric]
    recipe = specification.space.suggest(draw, seed=specification.trial_seed(trial.number))
    results = curve(dice, epochs=recipe.epochs)
    if trial.state == "PRUNED":
        results = results[: dice.randint(1, max(1, recipe.epochs - 1))]
    values = [metric.of(result) for result in results]
    best = max(values) if metric.maximize else min(values)
    written: dict[str, list[tuple[Any, ...]]] = {
        "trial_params": [(name, *stored) for name, stored in draw.stored.items()],
        "trial_user_attributes": [
            (RECIPE_ATTRIBUTE, json.dumps(recipe.as_dict())),
            (EPOCHS_ATTRIBUTE, json.dumps(recipe.epochs)),
        ],
        "trial_system_attributes": [
            ("fixed_params", "{}"),
            ("tpe:relative_params:0", json.dumps(json.dumps(draw.values))),
        ],
        "trial_values": [(0, values[-1] if trial.state == "PRUNED" else best, "FINITE")],
        "trial_intermediate_values": [(step, value, "FINITE") for step, value in enumerate(values)],
        "automl_trials": [(recipe.epochs, 100_000, 1)],
        "automl_epochs": [tuple(getattr(result, name) for name in EPOCH_COLUMNS) for result in results],
    }
    for table, its_rows in written.items():
        rows[table] += [(trial.trial_id, *row) for row in its_rows]


def _copy(connection: Connection, columns: str, rows: Sequence[Sequence[Any]]) -> None:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    written.seek(0)
    driver_connection: Any = connection.connection  # psycopg2's, whose COPY SQLAlchemy does not know
    waiting = extensions.get_wait_callback()
    extensions.set_wait_callback(None)  # psycopg2 refuses COPY with one
    try:
        with driver_connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {columns} FROM STDIN (FORMAT csv)", written)
    finally:
        extensions.set_wait_callback(waiting)
