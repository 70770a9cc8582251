"""An epoch's report: its value for Optuna and its figures for us, in one statement and one commit.

Through Optuna's storage the same takes a transaction with savepoints and a dozen statements.
"""

from __future__ import annotations

import math

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import TrialTakenError
from automl.metrics import EpochResult
from automl.queue.claims import Claim
from automl.storage.schema import EPOCH_COLUMNS

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


def report_epoch(connection: Connection, claim: Claim, result: EpochResult, value: float, *, is_news: bool) -> None:
    """Store an epoch while this attempt, and no other, may write the trial; `is_news`: Optuna has no such step yet.

    An epoch that was done before, in an earlier attempt, only adds its seconds.

    Raises: TrialTakenError if the trial is another attempt's by now, or finished.
    """
    figures = {name: getattr(result, name) for name in EPOCH_COLUMNS}
    finite = math.isfinite(value)
    kind = "FINITE" if finite else "NAN" if math.isnan(value) else "INF_POS" if value > 0 else "INF_NEG"
    parameters = {"trial_id": claim.trial_id, "attempt": claim.attempt, "is_news": is_news, "kind": kind}
    held = connection.scalar(REPORT, figures | parameters | {"value": value if finite else None})
    if not held:
        raise TrialTakenError(f"Trial {claim.number} was given to another worker, or ended by somebody.")
