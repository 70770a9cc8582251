"""What commands that move studies say; it imports nothing, so that `automl --help` answers fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Moved:
    """What was copied, backed up or restored."""

    study: str
    trials: int
    interrupted: int
    """Trials that were not finished: they wait in the copy."""
    files: int
    missing: int
    """Files that were recorded and not there."""
