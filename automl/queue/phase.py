"""The phases of a study with a time budget, as a function of the study's own clock alone.

First models, then search, and in the last part of the time final training: the best recipes again, longer and with new
seeds. Nothing of it is stored but the share of the last part. So every worker sees the same phase, after a restart or
on another machine too, and a raised budget brings the search back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FINAL_SHARE = 1 / 3
"""Share of a time budget that final training gets, unless the study says otherwise."""
FIRST_SHARE = 1 / 30
MOST_FIRST_SECONDS = 30.0
"""The first models have their share of the time, and no longer than this, in seconds."""
REACH_SHARE = 0.1
"""Share of the final training's time that a trial of the search may still use to come to its end."""


class Phase(StrEnum):
    """What a study does at a moment of its time budget."""

    FIRST_MODELS = "first models"
    SEARCH = "search"
    FINAL_TRAINING = "final training"


@dataclass(frozen=True)
class StudyTime:
    """A study with a time budget at one moment of its clock."""

    active_seconds: float
    """Time of active search so far, in seconds."""
    budget_seconds: float
    final_share: float
    """Share of the budget for final training, 0 to 1; 0: there is none."""

    @property
    def first_until(self) -> float:
        """End of the first models, on the study's clock in seconds."""
        return min(MOST_FIRST_SECONDS, FIRST_SHARE * self.budget_seconds, self.search_until)

    @property
    def search_until(self) -> float:
        """End of the search and beginning of final training, on the study's clock in seconds."""
        return self.budget_seconds - self.final_share * self.budget_seconds

    @property
    def phase(self) -> Phase:
        """What the study does now."""
        if self.active_seconds < self.first_until:
            return Phase.FIRST_MODELS
        return Phase.SEARCH if self.active_seconds < self.search_until else Phase.FINAL_TRAINING

    @property
    def spans(self) -> tuple[tuple[Phase, float, float], ...]:
        """Phases with their beginning and end on the study's clock, in seconds; none that takes no time."""
        first, search, end = self.first_until, self.search_until, self.budget_seconds
        all_spans = (
            (Phase.FIRST_MODELS, 0.0, first),
            (Phase.SEARCH, first, search),
            (Phase.FINAL_TRAINING, search, end),
        )
        return tuple(span for span in all_spans if span[1] < span[2])

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self.budget_seconds - self.active_seconds)

    @property
    def search_seconds_left(self) -> float:
        """Seconds that a trial of the search may still take: to the end of the search, and a little beyond it."""
        final_seconds = self.budget_seconds - self.search_until
        return max(0.0, self.search_until + REACH_SHARE * final_seconds - self.active_seconds)
