"""What the world sees of a worker's trials: wandb runs, and behind the training notes and pictures.

wandb gets small events at once, in order. Note and pictures of a finished trial, the study's note and the deleting of
files wait for a thread of their own (`background`), so that the next trial begins without them; what a killed worker
could not do any more is made up for (`publishing`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy.engine import Engine

from automl.artifacts.checkpoint_names import checkpoints_of
from automl.artifacts.garbage import remove_garbage
from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import drop_surplus_weights
from automl.errors import AutomlError
from automl.metrics import EpochResult
from automl.queue.claims import Claim
from automl.recipe import Recipe
from automl.results.best import BestTrial, find_best
from automl.results.note_writing import write_study_note
from automl.storage.retry import LOST_CONNECTION, OutageRetry
from automl.study.record import StudyRecord
from automl.tracking.wandb_runs import ByClass, RunTracker, TrialEnd
from automl.worker.background import BackgroundJobs
from automl.worker.outcomes import Outcome
from automl.worker.publishing import left_unpublished, publish_trial

WANDB_REQUEUED: TrialEnd = "requeued"
"""State of a run in wandb whose trial goes on in another attempt."""
STUDY_NOTE_SECONDS = 10.0
"""Of trials that end in quick succession, the study's note hears no more often."""
RETRY_SECONDS = 5.0
"""Pause before a job is tried again while the database is away."""
STOP_SECONDS = 5.0
"""How long a worker that is to stop goes on publishing; the rest is made up for."""


class TrialPublisher:
    """Publishes the trials of one worker."""

    def __init__(
        self,
        engine: Engine,
        record: StudyRecord,
        *,
        artifacts: ArtifactStore,
        tracker: RunTracker,
        retry: OutageRetry,
        write_model: Callable[[int, Path], None],
        log: Callable[[str], None],
    ) -> None:
        """`write_model` writes the model of the trial of this number."""
        self._engine, self._record, self._artifacts = engine, record, artifacts
        self._tracker, self._retry, self._write_model, self._log = tracker, retry, write_model, log
        self._jobs = BackgroundJobs()
        self._closing = threading.Event()
        self._drawing = threading.Lock()
        self._noted_at = -STUDY_NOTE_SECONDS

    def begin_run(self, claim: Claim, recipe: Recipe) -> None:
        """Begin the trial's wandb run, or go on with it."""
        specification = self._record.specification
        self._tracker.start(
            trial_number=claim.number,
            run_id=self._run_id(claim),
            config=recipe.as_dict(),
            tags=[specification.data.name, specification.space.name, recipe.block if recipe.depth else "perceptron"],
        )

    def log_epoch(self, result: EpochResult) -> None:
        """Add an epoch to the run."""
        self._tracker.log(result)

    def end_run(self, claim: Claim, outcome: Outcome, confusion_KK: npt.NDArray[np.int64] | None) -> None:
        """End the run of an attempt whose end is recorded."""
        specification = self._record.specification
        pruned = f"the {specification.pruner} pruner stopped it" if outcome.state == "pruned" else None
        summary = {"value": outcome.value, "failure": outcome.failure, "reason": outcome.reason or pruned}
        classes = None
        if confusion_KK is not None and outcome.state in ("complete", "pruned"):
            classes = ByClass(confusion_KK, specification.data.class_names)
        self._tracker.finish(
            state=WANDB_REQUEUED if outcome.state == "requeued" or outcome.state == "lease lost" else outcome.state,
            summary={name: value for name, value in summary.items() if value is not None},
            classes=classes,
            model=self._model(claim) if outcome.state == "complete" and self._tracker.uploads else None,
        )

    def abandon_run(self) -> None:
        """End the run of an attempt that leaves its trial to others."""
        self._tracker.finish(state=WANDB_REQUEUED, summary={})

    def publish(self, number: int) -> None:
        """Publish a finished trial, and delete what it needs no longer, once there is time for it."""
        self._jobs.put(lambda: self._repeated(lambda: self._publish(number)))

    def publish_left(self, worker_id: int) -> None:
        """Do for trials what their own workers were killed before they could, once there is time for it."""

        def publish() -> None:
            with self._engine.connect() as connection:
                left = left_unpublished(connection, self._record.study_id, worker_id=worker_id)
            for number in left:
                self.publish(number)

        self._jobs.put(lambda: self._repeated(publish))

    def remove_garbage(self) -> None:
        """Delete files that nothing names, once there is time for it."""
        record = self._record

        def remove() -> None:
            remove_garbage(self._engine, study_id=record.study_id, study_uid=record.uid, artifacts=self._artifacts)

        self._jobs.put(lambda: self._repeated(lambda: self._tidy(remove)))

    def quiet(self) -> AbstractContextManager[object]:
        """A block in which nothing is drawn, because time is measured in it."""
        return self._drawing

    def hurry(self, *, is_idle: bool) -> None:
        """Set whether the worker is idle, so that publishing may take all the time."""
        self._jobs.hurry(is_idle=is_idle)

    def finish(self, *, timeout_seconds: float) -> bool:
        """Publish what is left; whether that was done within so long. While the database is away, nothing is."""
        self._closing.set()
        return self._jobs.finish(timeout_seconds=timeout_seconds)

    def close(self, *, timeout_seconds: float) -> None:
        """Publish what is left, for at most so long; the rest is made up for."""
        self._closing.set()
        self._jobs.close(timeout_seconds=timeout_seconds)

    def _repeated(self, job: Callable[[], None]) -> None:
        """Do a job, later if the database is away; whatever else goes wrong is a line in the log."""
        try:
            job()
        except LOST_CONNECTION:  # the worker's own calls log it
            if not self._closing.wait(RETRY_SECONDS):
                self._jobs.put(lambda: self._repeated(job))
        except Exception as error:  # noqa: BLE001 – a note costs no worker
            self._log(f"Something was not published: {type(error).__name__}: {error}")

    def _publish(self, number: int) -> None:
        self._tidy(lambda: self._remove_checkpoints(number))
        self._tidy(self._drop_surplus_weights)
        publish_trial(
            self._engine, self._record, number, artifacts=self._artifacts, log=self._log, drawing=self._drawing
        )
        if self._jobs.is_last() or time.monotonic() - self._noted_at >= STUDY_NOTE_SECONDS:
            with self._engine.begin() as connection:
                write_study_note(connection, self._record)
            self._noted_at = time.monotonic()

    def _remove_checkpoints(self, number: int) -> None:
        for name in checkpoints_of(self._artifacts, self._record.uid, number):
            self._artifacts.remove(name)

    def _drop_surplus_weights(self) -> None:
        keep = self._record.specification.keep
        drop_surplus_weights(self._engine, self._record.study_id, keep=keep, artifacts=self._artifacts)

    def _tidy(self, delete: Callable[[], object]) -> None:
        """Delete files; those that the artifacts do not let go are garbage, which another worker deletes."""
        try:
            delete()
        except (AutomlError, OSError) as error:
            self._log(f"Files could not be deleted: {error}")

    def _model(self, claim: Claim) -> Path | None:
        """The trial's model as a file for wandb, if it is the best one so far."""

        def best() -> BestTrial | None:
            with self._engine.connect() as connection:
                return find_best(connection, self._record)

        try:
            found = self._retry.retry_until_available(best)
            if found is None or found.number != claim.number:
                return None
            path = self._tracker.model_path(self._run_id(claim))
            self._retry.retry_until_available(lambda: self._write_model(claim.number, path))
        except (AutomlError, OSError) as error:  # a full disk costs no trial
            self._log(f"trial {claim.number} leaves no model with wandb: {error}")
            return None
        return path

    def _run_id(self, claim: Claim) -> str:
        """The same for all attempts at a trial, and no other trial's on any server."""
        return f"{self._record.uid}-{claim.number}"
