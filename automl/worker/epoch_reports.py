"""What an attempt at a trial reports: each epoch and the end, for Optuna and for us, in one statement and one commit.

Through Optuna's storage the same takes a transaction with savepoints and a dozen statements. Both statements hold the
row of the claim locked, so an attempt that is no longer the trial's writes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import LeaseLostError
from automl.metrics import EpochResult
from automl.queue.claims import Claim
from automl.storage.schema import EPOCH_COLUMNS
from automl.storage.sql_facts import SPENT_SECONDS
from automl.worker.outcomes import Outcome

STATES = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
"""Optuna's names of the ends that finish a trial."""
REPORT = text(
    f"""
    WITH held AS (
        SELECT trial_id FROM automl_trials AS claims JOIN trials USING (trial_id)
        WHERE trial_id = :trial_id AND attempt = :attempt AND state = 'RUNNING' FOR UPDATE OF claims
    ), reported AS (
        INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)
        SELECT trial_id, :epoch, CAST(:value AS double precision), CAST(:kind AS trialintermediatevaluetype)
        FROM held WHERE :is_news
        ON CONFLICT (trial_id, step) DO NOTHING
    ), stored AS (
        INSERT INTO automl_epochs (trial_id, {", ".join(EPOCH_COLUMNS)})
        SELECT trial_id, {", ".join(f":{name}" for name in EPOCH_COLUMNS)} FROM held
        ON CONFLICT (trial_id, epoch) DO UPDATE SET seconds = automl_epochs.seconds + excluded.seconds
    )
    SELECT count(*) FROM held
    """
)
END = text(
    f"""
    WITH held AS (
        SELECT trial_id, attempt, state FROM automl_trials AS claims JOIN trials USING (trial_id)
        WHERE trial_id = :trial_id FOR UPDATE OF claims
    ), ending AS (
        SELECT trial_id FROM held WHERE attempt = :attempt AND state = 'RUNNING'
    ), counted AS (
        UPDATE automl_trials SET failure = :failure, reason = :reason, seconds = seconds + {SPENT_SECONDS}
        WHERE trial_id IN (SELECT trial_id FROM ending)
    ), valued AS (
        INSERT INTO trial_values (trial_id, objective, value, value_type)
        SELECT trial_id, 0, CAST(:value AS double precision), CAST(:kind AS trialvaluetype)
        FROM ending WHERE :has_value
        ON CONFLICT (trial_id, objective) DO UPDATE SET value = excluded.value, value_type = excluded.value_type
    ), described AS (
        INSERT INTO trial_user_attributes (trial_id, key, value_json)
        SELECT trial_id, key, value_json
        FROM ending, unnest(CAST(:user_keys AS text[]), CAST(:user_values AS text[])) AS given (key, value_json)
        ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
    ), attached AS (
        INSERT INTO trial_system_attributes (trial_id, key, value_json)
        SELECT trial_id, key, value_json
        FROM ending, unnest(CAST(:system_keys AS text[]), CAST(:system_values AS text[])) AS given (key, value_json)
        ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json
    ), ended AS (
        UPDATE trials SET state = CAST(:state AS trialstate), datetime_complete = timezone('utc', clock_timestamp())
        WHERE trial_id IN (SELECT trial_id FROM ending) AND state = 'RUNNING'
    )
    SELECT attempt FROM held
    """
)


def report_epoch(connection: Connection, claim: Claim, result: EpochResult, value: float, *, is_news: bool) -> None:
    """Store an epoch while this attempt, and no other, may write the trial; `is_news`: Optuna has no such step yet.

    An epoch that was done before, in an earlier attempt, only adds its seconds.

    Raises: LeaseLostError if the trial is another attempt's by now, or finished.
    """
    figures = {name: getattr(result, name) for name in EPOCH_COLUMNS}
    parameters = {"trial_id": claim.trial_id, "attempt": claim.attempt, "is_news": is_news}
    held = connection.scalar(REPORT, figures | parameters | _stored(value))
    if not held:
        raise LeaseLostError(f"Trial {claim.number} was reassigned to another worker, or was ended.")


def report_end(
    connection: Connection,
    claim: Claim,
    outcome: Outcome,
    *,
    value: float | None,
    user_attributes: Mapping[str, object],
    system_attributes: Mapping[str, object],
) -> None:
    """Finish the trial, with all that is to be known of it from that moment on; a second time, this changes nothing.

    `value`: Optuna's of a trial, which a pruned one has too. What Optuna does not accept as one is left out.

    Raises: LeaseLostError if the trial is another attempt's by now.
    """
    has_value = value is not None and not math.isnan(value)
    attempt = connection.scalar(
        END,
        {
            "trial_id": claim.trial_id,
            "attempt": claim.attempt,
            "state": STATES[outcome.state],
            "failure": outcome.failure,
            "reason": outcome.reason,
            "until": None,
            "has_value": has_value,
            "user_keys": list(user_attributes),
            "user_values": [json.dumps(attribute) for attribute in user_attributes.values()],
            "system_keys": list(system_attributes),
            "system_values": [json.dumps(attribute) for attribute in system_attributes.values()],
        }
        | _stored(value if value is not None and has_value else 0.0),
    )
    if attempt != claim.attempt:
        raise LeaseLostError(f"Trial {claim.number} was reassigned to another worker (attempt {attempt}).")


def _stored(value: float) -> dict[str, object]:
    """A value as Optuna stores it: what is no number as NULL, with its type beside it."""
    finite = math.isfinite(value)
    kind = "FINITE" if finite else "NAN" if math.isnan(value) else "INF_POS" if value > 0 else "INF_NEG"
    return {"value": value if finite else None, "kind": kind}
