"""Trials as Optuna's objects, read with one aggregated statement instead of Optuna's six a call.

Optuna reads trials through SQLAlchemy's mapped objects, one for every parameter and every reported value: 7.5 s for
5,000 trials. Here PostgreSQL gathers each trial into one row, and a distribution is parsed once, however many trials
share it: the same objects in 0.8 s (benchmarks/results/scale.md).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

SPECIAL = "WHEN 'INF_POS' THEN 'Infinity' WHEN 'INF_NEG' THEN '-Infinity' WHEN 'NAN' THEN 'NaN'"
"""Optuna stores what is no number as NULL, with its type beside it; the cast keeps objectives, which are never NaN."""
AS_DOCUMENT = "'{' || string_agg(CAST(to_json(key) AS text) || ':' || value_json, ',') || '}'"
"""All attributes as one text, parsed at once; PostgreSQL's own JSON would refuse the NaN that Optuna writes."""
GATHERED = f"""
    SELECT trial_id, number, state, datetime_start, datetime_complete, objectives, names, internals, distributions,
           user_attributes, system_attributes, steps, reported
    FROM trials
    CROSS JOIN LATERAL (
        SELECT array_agg(CASE value_type::text {SPECIAL} ELSE value END ORDER BY objective) AS objectives
        FROM trial_values WHERE trial_id = trials.trial_id) AS objectives
    CROSS JOIN LATERAL (
        SELECT array_agg(param_name ORDER BY param_id) AS names, array_agg(param_value ORDER BY param_id) AS internals,
               array_agg(distribution_json ORDER BY param_id) AS distributions
        FROM trial_params WHERE trial_id = trials.trial_id) AS params
    CROSS JOIN LATERAL (
        SELECT {AS_DOCUMENT} AS user_attributes
        FROM trial_user_attributes WHERE trial_id = trials.trial_id) AS users
    CROSS JOIN LATERAL (
        SELECT {AS_DOCUMENT} AS system_attributes
        FROM trial_system_attributes WHERE trial_id = trials.trial_id) AS systems
    CROSS JOIN LATERAL (
        SELECT array_agg(step ORDER BY step) AS steps,
               array_agg(CASE intermediate_value_type::text {SPECIAL} ELSE intermediate_value END ORDER BY step)
               AS reported
        FROM trial_intermediate_values WHERE trial_id = trials.trial_id) AS curves
"""
ONE = text(f"{GATHERED} WHERE trial_id = :trial_id")
SOME = text(
    f"""{GATHERED} WHERE study_id = :study_id AND (trial_id > :after OR trial_id = ANY(CAST(:among AS integer[])))
    ORDER BY trial_id"""
)


def read_frozen_trial(session: Session, trial_id: int) -> FrozenTrial:
    """One trial as Optuna has it.

    Raises: KeyError if there is none.
    """
    row = session.execute(ONE, {"trial_id": trial_id}).one_or_none()
    if row is None:
        raise KeyError(f"There is no trial with the primary key {trial_id}.")
    return _frozen(row)


def read_frozen_trials(session: Session, study_id: int, *, after: int, among: Sequence[int]) -> list[FrozenTrial]:
    """Trials of a study whose primary key is above `after` or one of `among`, by their key."""
    return [_frozen(row) for row in session.execute(SOME, {"study_id": study_id, "after": after, "among": among}).all()]


def _frozen(row: Row[Any]) -> FrozenTrial:
    names, distributions = row.names or (), [_distribution(document) for document in row.distributions or ()]
    values = [d.to_external_repr(value) for d, value in zip(distributions, row.internals or (), strict=True)]
    return FrozenTrial(
        number=row.number,
        state=TrialState[row.state],
        value=None,
        values=row.objectives,
        datetime_start=_local(row.datetime_start),
        datetime_complete=_local(row.datetime_complete),
        params=dict(zip(names, values, strict=True)),
        distributions=dict(zip(names, distributions, strict=True)),
        user_attrs=json.loads(row.user_attributes or "{}"),
        system_attrs=json.loads(row.system_attributes or "{}"),
        intermediate_values=dict(zip(row.steps or (), row.reported or (), strict=True)),
        trial_id=row.trial_id,
    )


@lru_cache(maxsize=10_000)
def _distribution(document: str) -> BaseDistribution:
    return json_to_distribution(document)


def _local(utc: datetime | None) -> datetime | None:
    """Optuna stores naive times in UTC and shows naive local ones."""
    return None if utc is None else utc.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
