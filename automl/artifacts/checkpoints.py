"""When a trial is saved, and from where it goes on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from automl.artifacts.checkpoint_names import checkpoint_name, checkpoints_of
from automl.artifacts.store import ArtifactStore
from automl.data.disk_space import is_disk_full
from automl.errors import StorageError, TrainingError
from automl.metrics import EpochResult
from automl.queue.claims import Claim
from automl.training.checkpoint_state import load_checkpoint, save_checkpoint
from automl.training.loop import Training

CHECKPOINT_SHARE = 0.02
"""Largest share of the time that goes into checkpoints, unless one takes longer than 0.3 s."""
MOST_REPEATED_SECONDS = 30.0
"""Longest training that a lost worker costs, in seconds, or one epoch."""
EPOCHS = "epochs"
"""Key of a checkpoint: results of all epochs before it. The database may lack some: after an outage, or in a copy."""


@dataclass
class Checkpoints:
    """Checkpoints of one attempt at a trial, and of the attempts before it."""

    artifacts: ArtifactStore
    study_uid: str
    claim: Claim
    clock: Callable[[], float] = time.monotonic
    _saved_at: float = field(init=False)
    _saving_seconds: float = 0.0
    """Time that the last save took, or the last try, in seconds."""

    def __post_init__(self) -> None:
        self._saved_at = self.clock()

    def is_due(self, epoch_seconds: float) -> bool:
        """Whether saving again stays within its share of the time, or waiting for another epoch would risk too much."""
        since = self.clock() - self._saved_at
        return since * CHECKPOINT_SHARE >= self._saving_seconds or since + epoch_seconds > MOST_REPEATED_SECONDS

    def save(self, training: Training, *, epochs: Sequence[EpochResult]) -> None:
        """Save the run as it is after its last complete epoch.

        Raises: OSError or StorageError if it cannot be stored. What was tried counts as done: a bucket that is
        away is waited for half a minute of training apart, and not at every epoch.
        """
        began = self.clock()
        results = [dataclasses.asdict(result) for result in epochs]
        try:
            with self.artifacts.writing(checkpoint_name(self.study_uid, self.claim.number, self.claim.attempt)) as file:
                save_checkpoint(training.state() | {EPOCHS: results}, file)
        finally:
            self._saved_at = self.clock()
            self._saving_seconds = self._saved_at - began

    def restore(self, training: Training, *, log: Callable[[str], None]) -> list[EpochResult] | None:
        """Let the run go on from the newest checkpoint that can be read; the epochs before it, or None without one."""
        for name in checkpoints_of(self.artifacts, self.study_uid, self.claim.number):
            try:
                with self.artifacts.reading(name) as file:
                    state: Mapping[str, Any] = load_checkpoint(file)
                training.load_state(state)
            except (TrainingError, OSError) as error:
                log(f"trial {self.claim.number}: {error}")
            else:
                return [EpochResult(**figures) for figures in state[EPOCHS]]
        return None

    def remove(self) -> None:
        """Delete those of all attempts."""
        for name in checkpoints_of(self.artifacts, self.study_uid, self.claim.number):
            self.artifacts.remove(name)


@contextmanager
def reaching(store: ArtifactStore) -> Iterator[None]:
    """Treat a mount that is out of reach as a bucket that is: neither is a bug of the trial's.

    Raises: StorageError instead of OSError, unless the disk is full.
    """
    try:
        yield
    except OSError as error:
        if is_disk_full(error):
            raise
        raise StorageError(
            f"Cannot use {store.address}: {error}. See that the folder is there and can be written."
        ) from error
