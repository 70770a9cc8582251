"""One trial: recipe drawn, trained, reported epoch by epoch, ended one way or another."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import optuna
import torch
from optuna.trial import TrialState
from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.checkpoints import Checkpoints
from automl.artifacts.garbage import WEIGHTS, artifact_id, forget_earlier, remove_leftovers
from automl.artifacts.weights import drop_surplus_weights, record_weights, write_weights
from automl.data.disk_space import is_disk_full
from automl.errors import (
    AutomlError,
    DiskFullError,
    DivergedError,
    StorageError,
    TrainingInterrupted,
    TrialTakenError,
)
from automl.metrics import METRICS, EpochResult
from automl.queue.claims import Claim, fence, give_back, record_end
from automl.recipe import Recipe
from automl.results.calibrated import CALIBRATED_ATTRIBUTE
from automl.results.notes import write_study_note, write_trial_note
from automl.results.results import (
    MILLISECONDS_ATTRIBUTE,
    OVER_A_LIMIT,
    RECIPE_ATTRIBUTE,
    BestTrial,
    TrialRecord,
    find_best,
    read_trial,
)
from automl.storage.optuna_internals import note_step, reported_steps, running_trial
from automl.storage.optuna_storage import LOST_CONNECTION
from automl.study.limits import excess, judging
from automl.tracking.wandb_runs import ByClass
from automl.training.device import free_memory, is_out_of_memory
from automl.training.evaluation.calibration import calibrated_figures
from automl.training.evaluation.predictions import Predictions
from automl.training.loop import Training
from automl.worker.context import Workplace
from automl.worker.epoch_reports import report_epoch
from automl.worker.model_cost import milliseconds_of, record_weight
from automl.worker.outcomes import Outcome, failed
from automl.worker.pruners import EPOCHS_ATTRIBUTE
from automl.worker.trial_pictures import record_artifacts, store_pictures

BEGAN_AGAIN_ATTRIBUTE = "began_again"
"""The trial's user attribute that says which attempt had to begin at epoch 0, and why."""
MICRO_BATCH_ATTRIBUTE = "micro_batch"
"""The trial's user attribute that says how many images its network takes at a time, if not a whole batch."""


@dataclass
class TrialRun:
    """One attempt at one trial."""

    place: Workplace
    claim: Claim
    _began_at: float = field(default_factory=time.monotonic)
    _training: Training | None = None
    _epochs: list[EpochResult] = field(default_factory=list)
    """All that the network has behind it, those of earlier attempts too."""
    _pending: list[EpochResult] = field(default_factory=list)
    """Of these, the ones that the database has not heard of."""
    _confusion_KK: npt.NDArray[np.int64] | None = None
    """Of the validation split at the best epoch so far."""
    _is_told: bool = False
    """Whether the database knows how this attempt ended."""

    def __post_init__(self) -> None:
        self._checkpoints = Checkpoints(self.place.artifacts, self.place.record.uid, self.claim)

    def run(self) -> Outcome:
        """Train until the trial is complete, pruned, failed, interrupted or taken by another worker.

        Raises: StorageError if the artifacts cannot be reached, after giving the trial back, or if the database stayed
        away too long; the trial is then found lost and continued elsewhere. DiskFullError after giving the trial back.
        """
        try:
            return self._end(self._outcome())
        except StorageError as error:
            self._leave(error)
            raise
        except OSError as error:
            if not is_disk_full(error):
                raise
            self._end(Outcome("given back", failure="disk full", reason=str(error)))
            raise DiskFullError(
                f"No space left for what trial {self.claim.number} stores: {error}. It goes on where it was. "
                "Free some space, or lower --keep in a new study, and start this worker again."
            ) from error

    def _outcome(self) -> Outcome:
        try:
            return self._attempt()
        except TrainingInterrupted as error:
            return self._interrupted(error)
        except TrialTakenError as error:
            return Outcome("taken", reason=str(error))
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

    def _leave(self, error: StorageError) -> None:
        """Let the next attempt, by whoever takes this trial, begin where this one is, unreported epochs included."""
        if self._is_told:
            return
        self.place.tracker.finish(state="given back", summary={})
        if self._training is not None:
            with suppress(OSError, StorageError):  # an older checkpoint is there, and what is away is told
                self._checkpoints.save(self._training, epochs=self._epochs)
        # Where it is the database that is away, others find the trial lost.
        with suppress(TrialTakenError, *LOST_CONNECTION):
            self._tell(Outcome("given back", failure="interrupted", reason=str(error)))

    def _attempt(self) -> Outcome:
        place = self.place
        trial = place.connectivity.ride_out(lambda: running_trial(place.study, self.claim.trial_id))
        recipe = self._draw(trial)
        place.tracker.start(
            trial_number=self.claim.number, run_id=self._run_id(), config=recipe.as_dict(), tags=self._tags(recipe)
        )
        passes = passes_of(recipe, trial.user_attrs.get(MICRO_BATCH_ATTRIBUTE))
        while True:
            try:
                return self._train(trial, recipe, passes=passes)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or 2 * passes > recipe.batch_size // 2:
                    raise
            passes *= 2
            self._note_micro_batch(trial, recipe, passes)

    def _note_micro_batch(self, trial: optuna.Trial, recipe: Recipe, passes: int) -> None:
        """Get ready for another try with smaller parts of the same batches, from the last checkpoint."""
        self._training = None  # else it would keep the failed network on the device
        free_memory(self.place.device)
        images = micro_batch(recipe, passes)
        self.place.say(f"trial {self.claim.number} ran out of memory and goes on with {images} images at a time")
        self._in_fence(lambda _connection: trial.set_user_attr(MICRO_BATCH_ATTRIBUTE, images))

    def _train(self, trial: optuna.Trial, recipe: Recipe, *, passes: int) -> Outcome:
        place, known_steps = self.place, reported_steps(trial)
        training = Training(
            recipe,
            place.data,
            metric=METRICS[place.record.specification.metric],
            device=place.device,
            precision=place.precision,
            build=place.build,
            accumulation_steps=passes,
            interrupted=lambda: place.interrupted() or self._is_out_of_time(),
        )
        self._record_plan(recipe, training)
        self._resume(trial, training)
        self._training = training  # not before: an attempt that ends there leaves the last checkpoint as it is
        over = self._weigh(trial, training)
        if over is not None:
            return Outcome("pruned", failure=OVER_A_LIMIT, reason=over)
        self._confusion_KK = training.best_confusion_KK
        for result in training.epochs():
            self._epochs.append(result)
            self._pending.append(result)
            self._confusion_KK = training.best_confusion_KK
            place.tracker.log(result)
            if result.epoch + 1 == recipe.epochs:
                break
            reached = place.connectivity.reached(lambda: self._report_pending(trial))
            is_news = result.epoch not in known_steps
            if reached and is_news and place.connectivity.ride_out(trial.should_prune):
                return Outcome("pruned", training.best_value)
            if self._checkpoints.is_due(result.seconds):
                self._save_checkpoint(training)
        place.connectivity.ride_out(lambda: self._report_pending(trial))
        self._keep_weights(trial, training, training.predictions())
        return Outcome("complete", training.best_value)

    def _save_checkpoint(self, training: Training) -> None:
        """Save the run; while a bucket or a mount is out of reach training goes on, and a later epoch tries again."""
        try:
            with self._reached_artifacts():
                self._checkpoints.save(training, epochs=self._epochs)
        except StorageError as error:
            self.place.say(f"trial {self.claim.number} goes on without a checkpoint: {error}")

    @contextmanager
    def _reached_artifacts(self) -> Iterator[None]:
        """Treat a mount that is out of reach as a bucket that is: neither is a bug of the trial's.

        Raises: StorageError instead of OSError, unless the disk is full.
        """
        try:
            yield
        except OSError as error:
            if is_disk_full(error):
                raise
            raise StorageError(
                f"Cannot use {self.place.artifacts.address}: {error}. See that the folder is there and can be written."
            ) from error

    def _is_out_of_time(self) -> bool:
        limit = self.place.trial_seconds()
        return limit is not None and self.claim.earlier_seconds + time.monotonic() - self._began_at >= limit

    def _interrupted(self, error: TrainingInterrupted) -> Outcome:
        if self.place.interrupted() or not self._is_out_of_time():
            return Outcome("given back", failure="interrupted", reason=f"its worker was told to end. {error}")
        limit = self.place.trial_seconds()
        return Outcome("pruned", failure="out of time", reason=f"it reached the limit of {limit:g} s a trial. {error}")

    def _draw(self, trial: optuna.Trial) -> Recipe:
        specification = self.place.record.specification

        def suggest() -> Recipe:
            if specification.confirms is not None:  # it was queued whole
                return Recipe.from_mapping(trial.user_attrs[RECIPE_ATTRIBUTE])
            return specification.space.suggest(trial, seed=specification.trial_seed(self.claim.number))

        recipe = self.place.connectivity.ride_out(suggest)
        self._in_fence(lambda _connection: note_recipe(trial, recipe))
        return recipe

    def _record_plan(self, recipe: Recipe, training: Training) -> None:
        plan = {
            "epochs": recipe.epochs,
            "parameters": training.parameters,
            "threads": torch.get_num_threads() if self.place.device.type == "cpu" else None,
            "trial_id": self.claim.trial_id,
        }
        self._in_fence(lambda connection: connection.execute(RECORD_PLAN, plan))

    def _weigh(self, trial: optuna.Trial, training: Training) -> str | None:
        """Record the network's size and time; why it is over a limit of the study, if it is."""
        specification = judging(self.place.record.specification)
        is_known = MILLISECONDS_ATTRIBUTE in trial.user_attrs
        size, milliseconds = training.parameters, milliseconds_of(trial, training, specification)
        if not is_known:
            self._in_fence(lambda _: record_weight(trial, specification, parameters=size, milliseconds=milliseconds))
        return excess(specification, parameters=size, milliseconds=milliseconds)

    def _report_pending(self, trial: optuna.Trial) -> None:
        """Record the epochs that the database has not heard of: more than one after an outage."""
        while self._pending:
            self._report(trial, self._pending[0])
            del self._pending[0]

    def _report(self, trial: optuna.Trial, result: EpochResult) -> None:
        value = METRICS[self.place.record.specification.metric].of(result)
        is_news = result.epoch not in reported_steps(trial)  # after a change of hands it may be done a second time
        with self.place.engine.begin() as connection:
            report_epoch(connection, self.claim, result, value, is_news=is_news)
        if is_news:
            note_step(trial, value, step=result.epoch)

    def _resume(self, trial: optuna.Trial, training: Training) -> None:
        """Continue from the newest checkpoint of an earlier attempt that can be read; else begin anew, and say so."""
        with self._reached_artifacts():
            epochs = self._checkpoints.restore(training, say=self.place.say)
        known = reported_steps(trial)
        self._epochs = epochs or []
        self._pending = [result for result in self._epochs if result.epoch not in known]
        if epochs is None and self.claim.attempt > 0 and known:
            sentence = (
                f"Attempt {self.claim.attempt + 1} began again at epoch 0: "
                f"no checkpoint of an earlier one could be read in {self.place.artifacts.address}"
            )
            self.place.say(f"trial {self.claim.number}: {sentence}")
            self.place.connectivity.ride_out(lambda: trial.set_user_attr(BEGAN_AGAIN_ATTRIBUTE, sentence))

    def _keep_weights(self, trial: optuna.Trial, training: Training, predictions: Predictions) -> None:
        calibrated = {
            name: dataclasses.asdict(calibrated_figures(predictions, tta=name == "tta")) for name in ("plain", "tta")
        }
        place, claim = self.place, self.claim
        name = artifact_id(place.record.uid, claim.number, claim.attempt, WEIGHTS)
        # Before the transaction: writing may take long, and nobody waits for a lock meanwhile.
        with self._reached_artifacts():
            write_weights(name, training.best_weights, training.normalization, predictions, artifacts=place.artifacts)

        def record() -> None:
            with fence(place.storage, claim):
                trial.set_user_attr(CALIBRATED_ATTRIBUTE, calibrated)
                record_weights(place.storage, claim.trial_id, name)

        place.connectivity.ride_out(record)

    def _end(self, outcome: Outcome) -> Outcome:
        try:
            if outcome.state in STATES:
                self._exhibit(outcome)
            self.place.connectivity.ride_out(lambda: self._tell(outcome))
        except TrialTakenError as error:
            outcome = Outcome("taken", reason=str(error))
        self._is_told = True
        self._finish_run(outcome)
        if outcome.state in STATES:
            self._clean_up()
        elif outcome.state == "taken":
            self._tidy(self._remove_leftovers)
        return outcome

    def _tell(self, outcome: Outcome) -> None:
        if outcome.state == "taken":
            return
        study, trial_id = self.place.study, self.claim.trial_id
        with fence(self.place.storage, self.claim) as connection:
            if outcome.state == "given back":
                give_back(connection, trial_id, failure=outcome.failure or "interrupted", reason=outcome.reason)
                return
            record_end(connection, trial_id, failure=outcome.failure, reason=outcome.reason)
            state = STATES[outcome.state]
            value = outcome.value if state == TrialState.COMPLETE else None
            # A repeated call, after the answer to the first one was lost, finds the trial finished.
            study.tell(self.claim.number, value, state=state, skip_if_finished=True)

    def _exhibit(self, outcome: Outcome) -> None:
        """Store note and pictures before the end is told: who takes the trial over after a kill stores them too."""
        ride_out, record = self.place.connectivity.ride_out, self.place.record

        def read() -> TrialRecord:
            with self.place.engine.connect() as connection:
                return read_trial(connection, record, self.claim.number)

        trial = dataclasses.replace(
            ride_out(read),
            state=outcome.state,
            attempt=self.claim.attempt,  # what is stored belongs to it, even if another one has begun
            value=outcome.value if outcome.state == "complete" else None,
            failure=outcome.failure,
            reason=outcome.reason,
        )
        pictures = self._pictures(trial)

        def write(connection: Connection) -> None:
            self._forget_earlier(connection)
            record_artifacts(connection, trial.trial_id, pictures)
            write_trial_note(connection, record, trial)

        self._in_fence(write)

    def _forget_earlier(self, connection: Connection) -> None:
        claim = self.claim
        forget_earlier(
            connection,
            claim.trial_id,
            study_uid=self.place.record.uid,
            number=claim.number,
            attempt=claim.attempt,
        )

    def _remove_leftovers(self) -> None:
        remove_leftovers(self.place.engine, self.place.record, artifacts=self.place.artifacts)

    def _pictures(self, trial: TrialRecord) -> Mapping[str, str]:
        try:
            return store_pictures(self.place.record, trial, self._confusion_KK, artifacts=self.place.artifacts)
        except Exception as error:  # a name that cannot be drawn costs no trial
            if isinstance(error, OSError) and is_disk_full(error):
                raise
            self.place.say(f"trial {trial.number} has no pictures: {type(error).__name__}: {error}")
            return {}

    def _tags(self, recipe: Recipe) -> list[str]:
        specification = self.place.record.specification
        return [specification.data.name, specification.space.name, recipe.block if recipe.depth else "perceptron"]

    def _finish_run(self, outcome: Outcome) -> None:
        specification = self.place.record.specification
        pruned = f"the {specification.pruner} pruner stopped it" if outcome.state == "pruned" else None
        summary = {"value": outcome.value, "failure": outcome.failure, "reason": outcome.reason or pruned}
        classes = None
        if self._confusion_KK is not None and outcome.state in ("complete", "pruned"):
            classes = ByClass(self._confusion_KK, specification.data.class_names)
        self.place.tracker.finish(
            state="given back" if outcome.state == "taken" else outcome.state,
            summary={name: value for name, value in summary.items() if value is not None},
            classes=classes,
            model=self._model() if outcome.state == "complete" and self.place.tracker.uploads else None,
        )

    def _model(self) -> Path | None:
        """The trial's model as a file for wandb, if it is the best one so far."""
        place = self.place

        def best() -> BestTrial | None:
            with place.engine.connect() as connection:
                return find_best(connection, place.record)

        try:
            found = place.connectivity.ride_out(best)
            if found is None or found.number != self.claim.number:
                return None
            path = place.tracker.model_path(self._run_id())
            place.connectivity.ride_out(lambda: place.write_model(self.claim.number, path))
        except (AutomlError, OSError) as error:  # a full disk costs no trial
            place.say(f"trial {self.claim.number} leaves no model with wandb: {error}")
            return None
        return path

    def _clean_up(self) -> None:
        place = self.place
        self._tidy(self._checkpoints.remove)
        specification = place.record.specification
        self._tidy(
            lambda: drop_surplus_weights(
                place.engine,
                place.record.study_id,
                keep=specification.keep,
                maximize=METRICS[specification.metric].maximize,
                artifacts=place.artifacts,
            )
        )
        place.connectivity.ride_out(self._write_study_note)

    def _tidy(self, delete: Callable[[], object]) -> None:
        """Delete files; those that the artifacts do not let go are leftovers, which another worker deletes."""
        try:
            self.place.connectivity.ride_out(delete)
        except (StorageError, OSError) as error:  # a database that stayed away ends the worker at its next call
            self.place.say(f"trial {self.claim.number} leaves files that could not be deleted: {error}")

    def _write_study_note(self) -> None:
        with self.place.engine.begin() as connection:
            write_study_note(connection, self.place.record)

    def _in_fence(self, write: Callable[[Connection], object]) -> None:
        def call() -> None:
            with fence(self.place.storage, self.claim) as connection:
                write(connection)

        self.place.connectivity.ride_out(call)

    def _run_id(self) -> str:
        """The same for all attempts at a trial, and no other trial's on any server."""
        return f"{self.place.record.uid}-{self.claim.number}"


def note_recipe(trial: optuna.Trial, recipe: Recipe) -> None:
    """Record what a trial trains."""
    trial.set_user_attr(RECIPE_ATTRIBUTE, recipe.as_dict())
    trial.set_user_attr(EPOCHS_ATTRIBUTE, recipe.epochs)


def passes_of(recipe: Recipe, images: int | None) -> int:
    """In how many parts batches are computed for so many images at a time; None: all of them."""
    return 1 if images is None else math.ceil(recipe.batch_size / images)


def micro_batch(recipe: Recipe, passes: int) -> int:
    """Images at a time."""
    return math.ceil(recipe.batch_size / passes)


STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
RECORD_PLAN = text(
    "UPDATE automl_trials SET epochs = :epochs, parameters = :parameters, threads = :threads WHERE trial_id = :trial_id"
)
