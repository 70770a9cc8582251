"""The study's clock, read back: how much active search lay before a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.queue.budget import BEAT_GAP_SECONDS
from automl.study.record import StudyRecord

LIVES = text(
    """
    SELECT timezone('utc', started_at) AS began, timezone('utc', greatest(beat_at, ended_at)) AS ended
    FROM automl_workers WHERE study_id = :study ORDER BY started_at
    """
)


@dataclass(frozen=True)
class StudyClock:
    """Active search before any moment, reckoned back from what the study has counted."""

    active_seconds: float
    """Active search in all, in seconds."""
    stretches: tuple[tuple[datetime, datetime], ...]
    """Times in which workers were there, naive UTC, in order and apart from each other."""

    def seconds_at(self, moment: datetime) -> float:
        """Seconds on the clock at a moment, naive UTC; 0 before the beginning."""
        after = sum(max(0.0, (end - max(start, moment)).total_seconds()) for start, end in self.stretches)
        return max(0.0, self.active_seconds - after)


def read_clock(connection: Connection, record: StudyRecord, *, active_seconds: float) -> StudyClock | None:
    """Put the clock together from the lives of the workers. None where they are unknown, as in a copied study."""
    lives = [(row.began, row.ended) for row in connection.execute(LIVES, {"study": record.study_id})]
    return StudyClock(active_seconds, merged(lives)) if lives else None


def merged(lives: Sequence[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    """Lives, in the order of their beginning, as stretches; the clock goes on through a short gap."""
    stretches: list[tuple[datetime, datetime]] = []
    for began, ended in lives:
        if stretches and (began - stretches[-1][1]).total_seconds() <= BEAT_GAP_SECONDS:
            stretches[-1] = stretches[-1][0], max(stretches[-1][1], ended)
        else:
            stretches.append((began, ended))
    return tuple(stretches)
