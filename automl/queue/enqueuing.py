"""Trials that are enqueued, exactly as many as the budget has, by any number of workers.

A trial is enqueued under a transaction-level advisory lock after counting every trial of the study, whatever its state,
so N asked are N finished. What the queue starts with (`first:`, the baselines, a grid) is fixed in the enqueued trial;
sampling, which can take seconds, happens later and outside the lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.budget import budget_status
from automl.queue.claims import Transactions
from automl.storage.advisory_locks import Lock, lock
from automl.storage.attributes import PHASE_ATTRIBUTE
from automl.storage.optuna_internals import enqueue_waiting_trial, study_id_of


def enqueue_trial(
    transactions: Transactions, study: optuna.Study, queue: Sequence[Mapping[str, Any]], *, exhaustive: bool
) -> bool:
    """Queue one more trial if the budget allows it; returns whether it did.

    `queue`: what the first trials fix, in order; final trainings aside. `exhaustive`: nothing is tried beyond it.
    """
    study_id = study_id_of(study)
    with transactions.begin() as connection:
        lock(connection, Lock.QUEUE, study_id)
        now = budget_status(connection, study_id)
        if now.budget_trials is not None and now.trials >= now.budget_trials:
            return False
        if exhaustive and now.trials >= len(queue):
            return False
        position = now.trials - _final_trainings(connection, study_id)
        enqueue_waiting_trial(study, queue[position] if position < len(queue) else {})
    return True


def _final_trainings(connection: Connection, study_id: int) -> int:
    statement = (
        "SELECT count(*) FROM trials JOIN trial_user_attributes AS attributes USING (trial_id)"
        " WHERE study_id = :study AND key = :key"
    )
    return int(connection.scalar(text(statement), {"study": study_id, "key": PHASE_ATTRIBUTE}) or 0)
