"""Who holds which trial: claimed, fenced. A trial is reassigned in place (`recovery`).

Every reassignment is one transaction that also raises the trial's `attempt`. What a worker writes runs inside `fence`,
which holds the row of the claim locked, or locks it in its own statement (`reporting`). So a worker whose attempt is
old can never write over a newer one. These statements write Optuna's columns `trials.state` and `trials.datetime_start`
(naive UTC), because claiming a trial and recording who claimed it must not come apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import LeaseLostError
from automl.storage.attributes import NEEDS_SECONDS_ATTRIBUTE, PHASE_ATTRIBUTE


@dataclass(frozen=True)
class TimeLeft:
    """Time left for trials, in seconds."""

    seconds: float = math.inf
    """Until the deadline."""
    search_seconds: float = math.inf
    """For a trial of the search; a final training has all of it."""


WITHOUT_END = TimeLeft()


@dataclass(frozen=True)
class Claim:
    """One attempt at one trial, held by one worker."""

    trial_id: int
    number: int
    attempt: int
    """Index of the attempt, from 0."""
    earlier_seconds: float = field(default=0.0, compare=False)
    """Time that earlier attempts took, in seconds."""


NEEDED = f"""
    coalesce((SELECT CAST(value_json AS double precision) FROM trial_user_attributes AS needs
              WHERE needs.trial_id = trials.trial_id AND needs.key = '{NEEDS_SECONDS_ATTRIBUTE}'), 0)
"""
FITS = f"""
    CASE WHEN EXISTS (SELECT FROM trial_user_attributes AS phases
                      WHERE phases.trial_id = trials.trial_id AND phases.key = '{PHASE_ATTRIBUTE}')
         THEN {NEEDED} < :seconds_left
         WHEN EXISTS (SELECT FROM automl_epochs WHERE automl_epochs.trial_id = trials.trial_id) THEN true
         ELSE {NEEDED} < :search_seconds_left END
"""
"""Whether a waiting trial is worth a start in the time left; one that has epochs behind it always is."""


def take_waiting(
    connection: Connection, *, study_id: int, worker_id: int | None, within: TimeLeft = WITHOUT_END
) -> Claim | None:
    """Take the oldest waiting trial of the study that fits into the time left, or None if there is none."""
    row = connection.execute(
        text(
            f"""
            UPDATE trials SET state = 'RUNNING', datetime_start = timezone('utc', now())
            WHERE trial_id = (
                SELECT trial_id FROM trials WHERE study_id = :study_id AND state = 'WAITING' AND {FITS}
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING trial_id, number
            """
        ),
        {"study_id": study_id, "seconds_left": within.seconds, "search_seconds_left": within.search_seconds},
    ).one_or_none()
    if row is None:
        return None
    claim = connection.execute(
        text(
            """
            INSERT INTO automl_trials (trial_id, worker_id) VALUES (:trial_id, :worker_id)
            ON CONFLICT (trial_id) DO UPDATE SET worker_id = excluded.worker_id
            RETURNING attempt, seconds
            """
        ),
        {"trial_id": row.trial_id, "worker_id": worker_id},
    ).one()
    return Claim(row.trial_id, row.number, claim.attempt, claim.seconds)


def find_held(connection: Connection, *, study_id: int, worker_id: int) -> Claim | None:
    """The running trial that a worker holds, or None.

    A worker that asks for its next trial holds one only if the answer to its last request was lost on the way.
    """
    row = connection.execute(
        text(
            """
            SELECT trial_id, number, attempt, seconds FROM trials JOIN automl_trials USING (trial_id)
            WHERE study_id = :study_id AND state = 'RUNNING' AND worker_id = :worker_id ORDER BY number LIMIT 1
            """
        ),
        {"study_id": study_id, "worker_id": worker_id},
    ).one_or_none()
    return None if row is None else Claim(row.trial_id, row.number, row.attempt, row.seconds)


class Transactions(Protocol):
    """What begins a transaction: an engine, or the storage where Optuna's calls belong to the transaction."""

    def begin(self) -> AbstractContextManager[Connection]:
        """Begin one, for the duration of a block."""


@contextmanager
def fence(transactions: Transactions, claim: Claim) -> Iterator[Connection]:
    """Run the block while this attempt, and no other, may write the trial.

    Raises: LeaseLostError if the trial is another attempt's by now.
    """
    with transactions.begin() as connection:
        attempt = connection.scalar(
            text("SELECT attempt FROM automl_trials WHERE trial_id = :trial_id FOR UPDATE"),
            {"trial_id": claim.trial_id},
        )
        if attempt != claim.attempt:
            raise LeaseLostError(f"Trial {claim.number} was reassigned to another worker (attempt {attempt}).")
        yield connection
