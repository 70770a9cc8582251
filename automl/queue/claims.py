"""Who holds which trial: claimed, fenced. A trial is reassigned in place (`recovery`).

Every reassignment is one transaction that also raises the trial's `attempt`. What a worker writes runs inside `fence`,
which holds the row of the claim locked, or locks it in its own statement (`reporting`). So a worker whose attempt is
old can never write over a newer one. These statements write Optuna's columns `trials.state` and `trials.datetime_start`
(naive UTC), because claiming a trial and recording who claimed it must not come apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import LeaseLostError


@dataclass(frozen=True)
class Claim:
    """One attempt at one trial, held by one worker."""

    trial_id: int
    number: int
    attempt: int
    """Index of the attempt, from 0."""
    earlier_seconds: float = field(default=0.0, compare=False)
    """Time that earlier attempts took, in seconds."""


def take_waiting(connection: Connection, *, study_id: int, worker_id: int | None) -> Claim | None:
    """Take the oldest waiting trial of the study, or None if nothing waits."""
    row = connection.execute(
        text(
            """
            UPDATE trials SET state = 'RUNNING', datetime_start = timezone('utc', now())
            WHERE trial_id = (
                SELECT trial_id FROM trials WHERE study_id = :study_id AND state = 'WAITING'
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING trial_id, number
            """
        ),
        {"study_id": study_id},
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
