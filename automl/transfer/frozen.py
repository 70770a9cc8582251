"""A trial of a document as Optuna has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, TrialState


def frozen_trial(trial: Mapping[str, Any]) -> FrozenTrial:
    """The trial with its parameters, reported values and attributes, in no study yet."""
    distributions = {name: json_to_distribution(json.dumps(d)) for name, d in trial["distributions"].items()}
    return FrozenTrial(
        number=trial["number"],
        state=TrialState[trial["state"]],
        value=trial["value"],
        datetime_start=_local(trial["started_at"]),
        datetime_complete=_local(trial["completed_at"]),
        params=trial["params"],
        distributions=distributions,
        user_attrs=trial["user_attributes"],
        system_attrs=trial["system_attributes"],
        intermediate_values={int(step): value for step, value in trial["intermediate_values"].items()},
        trial_id=-1,
    )


def _local(utc: str | None) -> datetime | None:
    return None if utc is None else datetime.fromisoformat(utc).astimezone().replace(tzinfo=None)
