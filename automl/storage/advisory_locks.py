"""Advisory locks that a transaction holds to its end: which there are, with their keys, and how one is taken.

The locks of GPU slots belong to a session instead (`queue.gpu_slots`).
"""

from __future__ import annotations

from enum import IntEnum

from sqlalchemy import text
from sqlalchemy.engine import Connection


class Lock(IntEnum):
    """First key of a lock of one study; the second key is the study. Each key is its four letters in ASCII."""

    QUEUE = 0x7469636B  # "tick"
    """Holder may count the study's trials and enqueue more."""
    WEIGHTS = 0x6B656570  # "keep"
    """Holder may choose whose weights are kept."""
    NOTE = 0x6E6F7465  # "note"
    """Holder may write the study's note."""


SCHEMA_KEY = 0x6175746F6D6C  # "automl"


def lock(connection: Connection, which: Lock, study_id: int) -> None:
    """Wait for a lock of one study, and hold it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key, :study_id)"), {"key": int(which), "study_id": study_id})


def lock_schema(connection: Connection) -> None:
    """Wait for the lock on creating tables and studies, and hold it until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_KEY})
