"""How an attempt at a trial ended."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Literal

from automl.masking import scrub
from automl.queue.claims import Claim
from automl.results.bugs import BUG, cause
from automl.training.device import is_out_of_memory

State = Literal["complete", "pruned", "failed", "requeued", "lease lost"]


@dataclass(frozen=True)
class Outcome:
    """How an attempt at a trial ended."""

    state: State
    value: float | None = None
    failure: str | None = None
    """Kind: diverged, out of memory, refused, hung or bug; of a pruned attempt out of time; of a requeued one
    interrupted or no time."""
    reason: str | None = None


def failed(error: Exception) -> Outcome:
    """Of a trial that raised what nobody expected: no memory, or a bug with its traceback."""
    if is_out_of_memory(error):
        message = next(iter(str(error).splitlines()), type(error).__name__)
        return Outcome("failed", failure="out of memory", reason=f"two or three images at a time: {message}")
    return Outcome("failed", failure=BUG, reason=scrub(traceback.format_exc()))


def describe_end(claim: Claim, outcome: Outcome) -> str:
    """One line on how an attempt ended."""
    line = f"trial {claim.number}: {outcome.state}"
    if outcome.value is not None:
        line += f", {outcome.value:.4f}"
    if outcome.failure is not None:
        line += f", {outcome.failure}: {cause(str(outcome.reason))}"
    return line
