"""What a search is asked for, by a command line or by a call in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.data.sizing import Fit
from automl.queue.phase import FINAL_SHARE

KEEP = 5
"""Trials whose weights stay, by default."""


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """What a search is asked for; None leaves it to the sweep file, the settings or the default, in this order."""

    data: str | None = None
    image_size: int | None = None
    """Pixels of both sides; None follows the median size of the images."""
    fit: Fit = "crop"
    space: str | Path | Mapping[str, Any] | None = None
    metric: str | None = None
    trials: int | None = None
    timeout: float | None = None
    """Seconds."""
    trial_timeout: float | None = None
    """Seconds of one trial."""
    final_share: float = FINAL_SHARE
    """Share of the time for final training, its last part."""
    study: str | None = None
    seed: int = 0
    epochs: int | None = None
    """Instead of the space's own number."""
    sampler: str | None = None
    pruner: str | None = None
    startup_trials: int | None = None
    warmup_epochs: int | None = None
    model: str | None = None
    keep: int = KEEP
    max_parameters: int | None = None
    max_milliseconds: float | None = None
    """Of one image on the worker."""
    ignore_unknown: bool = False
    """Leave parameters out that mean nothing here, instead of refusing the space."""
