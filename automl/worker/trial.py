"""One attempt at a trial: recipe drawn, network trained, reported epoch by epoch, ended one way or another.

This is the loop. `recorder` writes to the database, `publisher` writes notes, pictures and wandb runs.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field

from automl.artifacts.artifact_records import WEIGHTS, artifact_id
from automl.artifacts.checkpoints import Checkpoints, reaching
from automl.artifacts.weights import write_weights
from automl.data.disk_space import is_disk_full
from automl.errors import (
    AutomlError,
    DiskFullError,
    DivergedError,
    LeaseLostError,
    StorageError,
    TrainingInterrupted,
)
from automl.metrics import METRICS, EpochResult
from automl.queue.claims import Claim
from automl.recipe import Recipe
from automl.results.trials import OVER_A_LIMIT
from automl.storage.attributes import CALIBRATED_ATTRIBUTE, CUT_SHORT_ATTRIBUTE
from automl.storage.optuna_internals import artifact_record
from automl.training.device import free_memory, is_out_of_memory
from automl.training.evaluation.calibration import calibrated_figures
from automl.training.evaluation.predictions import Predictions
from automl.training.latency import measure_milliseconds
from automl.training.loop import Training
from automl.worker.epoch_reports import STATES
from automl.worker.outcomes import Outcome, describe_end, failed
from automl.worker.recorder import TrialRecorder
from automl.worker.trial_plan import TrialPlanner
from automl.worker.watchdog import Cause
from automl.worker.worker_context import WorkerContext

PUBLISH_SECONDS = 15.0
"""While the study has no complete trial, the best weights of one that goes on are written so often, in seconds."""


@dataclass
class TrialRun:
    """One attempt at one trial."""

    context: WorkerContext
    claim: Claim
    _began_at: float = field(default_factory=time.monotonic)
    _training: Training | None = None
    _epochs: list[EpochResult] = field(default_factory=list)
    """All that the network has behind it, those of earlier attempts too."""
    _figures: dict[str, object] = field(default_factory=dict)
    """User attributes of a complete trial: its calibrated figures."""
    _artifacts: dict[str, str] = field(default_factory=dict)
    """System attributes of a complete trial: the file of its weights."""
    _has_run: bool = False
    """Whether wandb heard of this attempt."""
    _published_at: float = -math.inf
    _published_epoch: int = -1
    """Epoch whose weights can be exported while the trial goes on."""
    _is_over: bool = False
    """Whether everybody knows how this attempt ended."""

    def __post_init__(self) -> None:
        self._recorder = TrialRecorder(self.context, self.claim)
        self._planner = TrialPlanner(self.context, self._recorder, watching=self._watching)
        self._publisher = self.context.publisher
        self._checkpoints = Checkpoints(self.context.artifacts, self.context.record.uid, self.claim)

    def run(self) -> Outcome:
        """Train until the trial is complete, pruned, failed, requeued, or its lease is lost.

        Raises: StorageError if the artifacts cannot be reached, after requeueing the trial, or if the database stayed
        away too long; the trial is then found lost and continued elsewhere. DiskFullError after requeueing the trial.
        """
        try:
            return self._end(self._outcome())
        except StorageError as error:
            self._leave(error)
            raise
        except OSError as error:
            if not is_disk_full(error):
                raise
            self._end(Outcome("requeued", failure="disk full", reason=str(error)))
            raise DiskFullError(
                f"No space left for what trial {self.claim.number} stores: {error}. It goes on where it was. "
                "Free some space, or lower --keep in a new study, and start this worker again."
            ) from error

    def _attempt(self) -> Outcome:
        """Draw and train; where memory is short, again with smaller parts of the same batches."""
        self._recorder.open()
        recipe = self._recorder.draw_recipe()
        accumulation_steps = accumulation_steps_of(recipe, self._recorder.micro_batch_size)
        while True:
            try:
                return self._train(recipe, accumulation_steps=accumulation_steps)
            except Exception as error:
                if not is_out_of_memory(error) or 2 * accumulation_steps > recipe.batch_size // 2:
                    self._begin_run(recipe)  # wandb hears of what fails before its first epoch, too
                    raise
            accumulation_steps *= 2
            self._shrink_micro_batch(micro_batch_size(recipe, accumulation_steps))

    def _begin_run(self, recipe: Recipe) -> None:
        """Begin the trial's wandb run, with the recipe that is really trained, or that could not be."""
        if not self._has_run:
            self._has_run = True
            self._publisher.begin_run(self.claim, recipe)

    def _train(self, recipe: Recipe, *, accumulation_steps: int) -> Outcome:
        """Build, resume, check the limits; then epoch after epoch, until it is complete or pruned."""
        recorder, planner = self._recorder, self._planner
        planner.use_base_threads()
        training = self._build(recipe, accumulation_steps)
        recorder.record_plan(training)
        self._resume(training)
        self._training = training  # not before: an attempt that ends there leaves the last checkpoint as it is
        excess = self._check_model_cost(training)
        if excess is not None:
            self._begin_run(recipe)
            return Outcome("pruned", failure=OVER_A_LIMIT, reason=excess)
        too_long = planner.plan(training, self._epochs)
        if too_long is not None:
            return too_long
        self._begin_run(training.recipe)
        try:
            return self._train_epochs(training)
        except TrainingInterrupted:
            if self._is_out_of_time() or not planner.may_be_cut_short(training):
                self._publish_weights(training, at_once=True)
                raise
            return self._cut_short(training, "the time was used up in the middle of an epoch")

    def _train_epochs(self, training: Training) -> Outcome:
        """Epoch after epoch, until the trial is complete, pruned, or has to make room for final training."""
        recorder = self._recorder
        for result in self._watched_epochs(training):
            self._epochs.append(result)
            recorder.add(result)
            self._publisher.log_epoch(result)
            if result.epoch + 1 == training.recipe.epochs:
                break
            is_news = result.epoch not in recorder.known_steps
            if recorder.try_report() and is_news and not recorder.is_final and recorder.should_prune():
                return Outcome("pruned", training.best_value)
            if self._planner.overruns(training, self._epochs):
                return self._cut_short(training, "final training had begun")
            if self._checkpoints.is_due(result.seconds):
                self._save_checkpoint(training)
            self._publish_weights(training)
        recorder.report()
        self._planner.learn_pace(self._epochs)
        self._keep_weights(training)
        return Outcome("complete", training.best_value)

    def _watching(self) -> AbstractContextManager[None]:
        """A block in which the watchdog ends the attempt, should the computation not answer."""
        return self.context.watchdog.watching(self, attempt=self.claim)

    def _watched_epochs(self, training: Training) -> Iterator[EpochResult]:
        epochs = training.epochs()
        while True:
            with self._watching():
                result = next(epochs, None)
            if result is None:
                return
            yield result

    def _is_past_its_time(self) -> bool:
        return bool(self._epochs) and self._planner.is_past_its_time()

    def _cut_short(self, training: Training, why: str) -> Outcome:
        """End as a complete trial with the best epoch so far."""
        self._recorder.report()
        self._keep_weights(training)
        done, planned = training.next_epoch, training.recipe.epochs
        self._figures[CUT_SHORT_ATTRIBUTE] = f"Cut short after {done} of {planned} epochs: {why}"
        return Outcome("complete", training.best_value)

    def _publish_weights(self, training: Training, *, at_once: bool = False) -> None:
        """Let the best weights so far be exported, while the study has no complete trial; not at every epoch."""
        since = time.monotonic() - self._published_at
        if training.best_epoch <= self._published_epoch or not (at_once or since >= PUBLISH_SECONDS):
            return
        try:
            if self._recorder.try_publish_weights(lambda: self._write_weights(training, self._predictions(training))):
                self._published_epoch = training.best_epoch
        except StorageError as error:
            self.context.log(f"trial {self.claim.number} cannot be exported yet: {error}")
        self._published_at = time.monotonic()

    def _predictions(self, training: Training) -> Predictions:
        with self._watching():
            return training.predictions()

    def _build(self, recipe: Recipe, accumulation_steps: int) -> Training:
        context = self.context
        with self._watching():
            return Training(
                recipe,
                context.data,
                metric=METRICS[context.record.specification.metric],
                device=context.device,
                build=context.build,
                accumulation_steps=accumulation_steps,
                interrupted=lambda: context.interrupted() or self._is_out_of_time() or self._is_past_its_time(),
                on_batch=context.watchdog.note_batch,
            )

    def _resume(self, training: Training) -> None:
        """Continue from the newest checkpoint of an earlier attempt that can be read; else begin anew, and log it."""
        with reaching(self.context.artifacts):
            epochs = self._checkpoints.restore(training, log=self.context.log)
        self._epochs = epochs or []
        self._recorder.resume(self._epochs)
        if epochs is None and self.claim.attempt > 0 and self._recorder.known_steps:
            sentence = (
                f"Attempt {self.claim.attempt + 1} began again at epoch 0: "
                f"no checkpoint of an earlier one could be read in {self.context.artifacts.address}"
            )
            self.context.log(f"trial {self.claim.number}: {sentence}")
            self._recorder.record_began_again(sentence)

    def _check_model_cost(self, training: Training) -> str | None:
        """Record the network's size and time; why it is over a limit of the study, if it is."""
        milliseconds = self._recorder.milliseconds
        if milliseconds is None:
            shape = self.context.record.specification.data.image_shape
            with self._publisher.quiet(), self._watching():
                milliseconds = measure_milliseconds(training.learner.eval_model, shape, training.device)
            self._recorder.record_model_cost(parameters=training.parameters, milliseconds=milliseconds)
        return self._recorder.excess(parameters=training.parameters, milliseconds=milliseconds)

    def _shrink_micro_batch(self, images: int) -> None:
        """Get ready for another try with so many images at a time, from the last checkpoint."""
        self._training = None  # else it would keep the failed network on the device
        free_memory(self.context.device)
        self.context.log(f"trial {self.claim.number} ran out of memory and goes on with {images} images at a time")
        self._recorder.record_micro_batch_size(images)

    def _save_checkpoint(self, training: Training) -> None:
        """Save the run; while a bucket or a mount is out of reach training goes on, and a later epoch tries again."""
        try:
            with reaching(self.context.artifacts):
                self._checkpoints.save(training, epochs=self._epochs)
        except StorageError as error:
            self.context.log(f"trial {self.claim.number} goes on without a checkpoint: {error}")

    def _keep_weights(self, training: Training) -> None:
        """Write the weights; that they are the trial's is recorded with its end."""
        predictions = self._predictions(training)
        self._artifacts = self._write_weights(training, predictions)
        calibrated = {
            name: dataclasses.asdict(calibrated_figures(predictions, tta=name == "tta")) for name in ("plain", "tta")
        }
        self._figures = {CALIBRATED_ATTRIBUTE: calibrated}

    def _write_weights(self, training: Training, predictions: Predictions) -> dict[str, str]:
        """Write the weights; the system attributes that make them the trial's."""
        artifacts = self.context.artifacts
        name = artifact_id(self.context.record.uid, self.claim.number, self.claim.attempt, WEIGHTS)
        with reaching(artifacts):
            write_weights(name, training.best_weights, training.normalization, predictions, artifacts=artifacts)
        return dict([artifact_record(name, filename=WEIGHTS)])

    def _outcome(self) -> Outcome:
        """How the attempt ended, unless it cannot end here."""
        try:
            return self._attempt()
        except TrainingInterrupted as error:
            return self._interrupted(error)
        except LeaseLostError as error:
            return Outcome("lease lost", reason=str(error))
        except StorageError:
            raise
        except DivergedError as error:
            return Outcome("failed", failure="diverged", reason=str(error))
        except AutomlError as error:
            return Outcome("failed", failure="refused", reason=str(error))
        except Exception as error:  # a bug in one trial is stored and never ends the worker
            if isinstance(error, OSError) and is_disk_full(error):
                raise
            return failed(error)

    def _interrupted(self, error: TrainingInterrupted) -> Outcome:
        if self.context.interrupted() or not self._is_out_of_time():
            why = (
                "the study's time was used up" if self.context.limits.out_of_time() else "its worker was asked to stop"
            )
            return Outcome("requeued", failure="interrupted", reason=f"{why}. {error}")
        return self._pruned_by_limit(str(error))

    def _pruned_by_limit(self, remark: str) -> Outcome:
        limit = self.context.trial_seconds()
        return Outcome("pruned", failure="out of time", reason=f"it reached the limit of {limit:g} s a trial. {remark}")

    def _is_out_of_time(self) -> bool:
        limit = self.context.trial_seconds()
        return limit is not None and self.claim.earlier_seconds + time.monotonic() - self._began_at >= limit

    def asked_to_end(self) -> Cause | None:
        """Why the training should end now, or None; the watchdog asks."""
        if self.context.stop_requested():
            return "asked to stop"
        if self._is_out_of_time():
            return "out of time"
        return "time used up" if self.context.interrupted() else None

    def end_unanswered(self, cause: Cause, seconds: float) -> None:
        """Record how an attempt ended whose training does not answer; the watchdog calls, from a thread of its own."""
        silence = f"Its training had not answered for {seconds:.0f} s."
        if cause == "hung":
            outcome = Outcome("failed", failure="hung", reason=silence)
        elif cause == "out of time":
            outcome = self._pruned_by_limit(silence)
        else:
            why = "its worker was asked to stop" if cause == "asked to stop" else "the study's time was used up"
            outcome = Outcome("requeued", failure="interrupted", reason=f"{why}. {silence}")
        self.context.log(describe_end(self.claim, self._end(outcome)))

    def _end(self, outcome: Outcome) -> Outcome:
        """Record how the attempt ended, then let the rest be published."""
        confusion_KK = self._training.best_confusion_KK if self._training is not None else None
        try:
            if outcome.state in STATES:
                self._recorder.end(
                    outcome, confusion_KK=confusion_KK, user_attributes=self._figures, artifacts=self._artifacts
                )
            elif outcome.state == "requeued":
                self._recorder.requeue(outcome)
        except LeaseLostError as error:
            outcome = Outcome("lease lost", reason=str(error))
        self._is_over = True
        self._publisher.end_run(self.claim, outcome, confusion_KK)
        if outcome.state in STATES:
            self._publisher.publish(self.claim.number)
        if outcome.state == "lease lost" or (self._published_epoch >= 0 and outcome.state in ("pruned", "failed")):
            self._publisher.remove_garbage()
        return outcome

    def _leave(self, error: StorageError) -> None:
        """Let the next attempt, by whoever takes this trial, begin where this one is, unreported epochs included."""
        if self._is_over:
            return
        self._publisher.abandon_run()
        if self._training is not None:
            with suppress(OSError, StorageError):  # an older checkpoint is there, and the outage is in the log
                self._checkpoints.save(self._training, epochs=self._epochs)
        with suppress(LeaseLostError, StorageError):  # where it is the database that is away, others find it lost
            self._recorder.try_requeue(Outcome("requeued", failure="interrupted", reason=str(error)))


def accumulation_steps_of(recipe: Recipe, images: int | None) -> int:
    """In how many parts batches are computed for so many images at a time; None: all of them."""
    return 1 if images is None else math.ceil(recipe.batch_size / images)


def micro_batch_size(recipe: Recipe, accumulation_steps: int) -> int:
    """Images at a time."""
    return math.ceil(recipe.batch_size / accumulation_steps)
