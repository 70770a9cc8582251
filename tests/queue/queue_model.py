"""What a study's queue has to look like after any history, as plain Python without automl and a database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

MOST_LOST = 3
"""Lost workers at which a trial fails, as docs/reliability.md has it."""


@dataclass
class ModelTrial:
    """One trial, as it has to stand in the database."""

    state: str = "WAITING"
    attempt: int = 0
    lost: int = 0
    worker: int | None = None
    epochs: Counter[int] = field(default_factory=Counter)
    """How often each epoch was reported by an attempt that held the trial then."""
    value: float | None = None
    mark: int | None = None
    """Attempt that wrote last under the fence."""
    finished_by: list[int] = field(default_factory=list)
    """History: the attempts that finished it, which may never be two."""

    @property
    def is_running(self) -> bool:
        """Whether a worker holds it."""
        return self.state == "RUNNING"


class QueueModel:
    """The rules of claims, budget and recovery, and the history that they led to."""

    def __init__(self, budget: int) -> None:
        """Nothing is queued yet."""
        self.budget = budget
        self.trials: list[ModelTrial] = []

    def ask(self, worker: int) -> int | None:
        """Number of the trial that a worker gets: its own, the oldest that waits, a new one; or None."""
        held = [number for number, trial in enumerate(self.trials) if trial.is_running and trial.worker == worker]
        if held:
            return held[0]
        waiting = [number for number, trial in enumerate(self.trials) if trial.state == "WAITING"]
        if not waiting and len(self.trials) < self.budget:
            waiting = [len(self.trials)]
            self.trials.append(ModelTrial())
        if not waiting:
            return None
        trial = self.trials[waiting[0]]
        trial.state, trial.worker = "RUNNING", worker
        return waiting[0]

    def report(self, number: int, attempt: int, epoch: int) -> bool:
        """Whether such an epoch is accepted."""
        trial = self.trials[number]
        accepted = trial.is_running and trial.attempt == attempt
        trial.epochs[epoch] += accepted
        return accepted

    def write(self, number: int, attempt: int) -> bool:
        """Whether the fence lets such a write in."""
        trial = self.trials[number]
        if trial.attempt == attempt:
            trial.mark = attempt
        return trial.attempt == attempt

    def end(self, number: int, attempt: int, state: str, value: float | None) -> bool:
        """Whether such an end is accepted; of a trial that this attempt finished before, without effect."""
        trial = self.trials[number]
        if trial.attempt == attempt and trial.is_running:
            trial.state, trial.value = state, value
            trial.finished_by.append(attempt)
        return trial.attempt == attempt

    def requeue(self, number: int, attempt: int) -> bool:
        """Whether the trial may be handed back; a finished one stays as it is."""
        trial = self.trials[number]
        accepted = trial.attempt == attempt
        if accepted and trial.is_running:
            trial.state, trial.attempt, trial.worker = "WAITING", attempt + 1, None
        return accepted

    def recover(self, gone: AbstractSet[int]) -> list[int]:
        """Numbers of the trials that are found without their worker."""
        found = [number for number, trial in enumerate(self.trials) if trial.is_running and trial.worker in gone]
        for number in found:
            trial = self.trials[number]
            trial.attempt, trial.lost, trial.worker = trial.attempt + 1, trial.lost + 1, None
            trial.state = "FAIL" if trial.lost >= MOST_LOST else "WAITING"
            if trial.state == "FAIL":
                trial.finished_by.append(trial.attempt - 1)
        return found

    @property
    def is_over(self) -> bool:
        """Whether the whole budget is finished."""
        return len(self.trials) == self.budget and all(len(trial.finished_by) == 1 for trial in self.trials)
