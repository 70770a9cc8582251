"""Durations as people write them."""

from __future__ import annotations

from automl.queue.phase import StudyTime


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03, or 2:03 below an hour."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe_split(budget_seconds: float, final_share: float) -> str:
    """How a time budget is split: `10:00 in all: about 20 s first models, search until 6:40, final training …`."""
    split = StudyTime(0.0, budget_seconds, final_share)
    first = f"{clock(budget_seconds)} in all: about {split.first_until:.0f} s first models"
    if not final_share:
        return f"{first}, search until {clock(budget_seconds)}"
    return f"{first}, search until {clock(split.search_until)}, final training until {clock(budget_seconds)}"
