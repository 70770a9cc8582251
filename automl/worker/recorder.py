"""What one attempt at a trial writes to the database, as long as it holds the lease.

Every method waits while the database is away, and may be called again by whoever does not know whether it was answered;
`try_report` and `try_requeue` ask once, so that the caller can go on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
import optuna
import torch
from optuna.trial import TrialState
from sqlalchemy import text

from automl.artifacts.garbage import forget_earlier
from automl.metrics import METRICS, EpochResult
from automl.queue.claims import Claim, fence
from automl.queue.recovery import requeue
from automl.recipe import Recipe
from automl.storage.attributes import (
    BEGAN_AGAIN_ATTRIBUTE,
    EPOCHS_ATTRIBUTE,
    MICRO_BATCH_ATTRIBUTE,
    MILLISECONDS_ATTRIBUTE,
    NEEDS_SECONDS_ATTRIBUTE,
    PHASE_ATTRIBUTE,
    RECIPE_ATTRIBUTE,
    REPEATS_ATTRIBUTE,
    SHORTENED_ATTRIBUTE,
)
from automl.storage.optuna_internals import after_end, last_reported, note_step, reported_steps, running_trial
from automl.study.limits import excess, judging
from automl.training.loop import Training
from automl.worker.epoch_reports import STATES, report_end, report_epoch
from automl.worker.model_cost import record_model_cost
from automl.worker.outcomes import Outcome
from automl.worker.publishing import mark
from automl.worker.trial_pictures import record_artifacts
from automl.worker.worker_context import WorkerContext

RECORD_PLAN = text(
    "UPDATE automl_trials SET epochs = :epochs, parameters = :parameters, threads = :threads WHERE trial_id = :trial_id"
)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def retried(
    method: Callable[Concatenate[TrialRecorder, Parameters], Result],
) -> Callable[Concatenate[TrialRecorder, Parameters], Result]:
    """Repeat a method, which must be safe to repeat, while the database is away.

    Raises: StorageError if it stays away for too long, or when shutdown is requested meanwhile.
    """

    @functools.wraps(method)
    def repeated(self: TrialRecorder, /, *arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        return self.context.retry.retry_until_available(lambda: method(self, *arguments, **options))

    return repeated


class TrialRecorder:
    """Of one attempt. Every method raises LeaseLostError if the trial is another attempt's by now."""

    def __init__(self, context: WorkerContext, claim: Claim) -> None:
        """Nothing is read or written yet."""
        self.context, self.claim = context, claim
        self._trial: optuna.Trial | None = None
        self.earlier_threads: int | None = None
        """Number of CPU threads that the attempt before this one computed with."""
        self._known_steps: set[int] = set()
        self._pending: list[EpochResult] = []
        """Epochs that the database has not heard of: more than one after an outage."""

    @retried
    def open(self) -> None:
        """Read the trial: to be called first."""
        statement = text("SELECT threads FROM automl_trials WHERE trial_id = :trial_id")
        with self.context.engine.connect() as connection:
            self.earlier_threads = connection.scalar(statement, {"trial_id": self.claim.trial_id})
        self._trial = running_trial(self.context.study, self.claim.trial_id)
        self._known_steps = reported_steps(self._trial)

    @property
    def trial(self) -> optuna.Trial:
        """Optuna's view of the trial."""
        assert self._trial is not None, "open() comes first"
        return self._trial

    @property
    def known_steps(self) -> set[int]:
        """Epochs that earlier attempts reported."""
        return self._known_steps

    @property
    def micro_batch_size(self) -> int | None:
        """How many images at a time an earlier attempt's memory had room for; None: a whole batch."""
        size: int | None = self.trial.user_attrs.get(MICRO_BATCH_ATTRIBUTE)
        return size

    @retried
    def draw_recipe(self) -> Recipe:
        """Draw what is to be trained, as earlier attempts drew it, and record it."""
        recipe = self._suggest()
        with fence(self.context.storage, self.claim):
            self.trial.set_user_attr(RECIPE_ATTRIBUTE, recipe.as_dict())
            self.trial.set_user_attr(EPOCHS_ATTRIBUTE, recipe.epochs)
        return recipe

    def _suggest(self) -> Recipe:
        specification = self.context.record.specification
        was_shortened = SHORTENED_ATTRIBUTE in self.trial.user_attrs
        if specification.confirms is not None or self.is_final or was_shortened:  # queued whole, or fixed earlier
            return Recipe.from_mapping(self.trial.user_attrs[RECIPE_ATTRIBUTE])
        return specification.space.suggest(self.trial, seed=specification.trial_seed(self.claim.number))

    @property
    def is_final(self) -> bool:
        """Whether this is a final training, whose recipe was queued whole."""
        return PHASE_ATTRIBUTE in self.trial.user_attrs

    @property
    def searched_epochs(self) -> int | None:
        """Epochs in the search of the recipe that a final training repeats; None: a trial of the search."""
        repeats: dict[str, int] | None = self.trial.user_attrs.get(REPEATS_ATTRIBUTE)
        return None if repeats is None else repeats["epochs"]

    def planned_epochs(self, recipe: Recipe) -> int:
        """Epochs of the recipe before it was shortened."""
        return int(self.trial.user_attrs.get(SHORTENED_ATTRIBUTE, recipe.epochs))

    @retried
    def study_has_complete(self) -> bool:
        """Whether the study has a complete trial."""
        return self._study_has_complete()

    def _study_has_complete(self) -> bool:
        statement = text("SELECT EXISTS (SELECT FROM trials WHERE study_id = :study AND state = 'COMPLETE')")
        with self.context.engine.connect() as connection:
            return bool(connection.scalar(statement, {"study": self.context.record.study_id}))

    @retried
    def record_recipe(self, recipe: Recipe, *, planned: int) -> None:
        """Record the recipe that is really trained, with other epochs than planned."""
        with fence(self.context.storage, self.claim):
            self.trial.set_user_attr(RECIPE_ATTRIBUTE, recipe.as_dict())
            self.trial.set_user_attr(EPOCHS_ATTRIBUTE, recipe.epochs)
            if not self.is_final:
                self.trial.set_user_attr(SHORTENED_ATTRIBUTE, planned)

    @retried
    def record_needs(self, seconds: float) -> None:
        """Record with how much time left the trial is worth a start."""
        with fence(self.context.storage, self.claim):
            self.trial.set_user_attr(NEEDS_SECONDS_ATTRIBUTE, seconds)

    def try_publish_weights(self, write: Callable[[], Mapping[str, str]]) -> bool:
        """Make what `write` stores the artifact of a trial that goes on, while the study has no complete one.

        False if the database is away, so that training can go on.
        """
        return self.context.retry.try_once(lambda: self._publish_weights(write))

    def _publish_weights(self, write: Callable[[], Mapping[str, str]]) -> None:
        if self._study_has_complete():
            return
        artifacts = write()
        with fence(self.context.engine, self.claim) as connection:
            record_artifacts(connection, self.claim.trial_id, artifacts)

    @retried
    def record_plan(self, training: Training) -> None:
        """Record how many epochs are planned, how large the network is, and how many threads compute it."""
        plan = {
            "epochs": training.recipe.epochs,
            "parameters": training.parameters,
            "threads": torch.get_num_threads() if self.context.device.type == "cpu" else None,
            "trial_id": self.claim.trial_id,
        }
        with fence(self.context.engine, self.claim) as connection:
            connection.execute(RECORD_PLAN, plan)

    @retried
    def record_micro_batch_size(self, images: int) -> None:
        """Record how many images at a time the memory has room for."""
        with fence(self.context.storage, self.claim):
            self.trial.set_user_attr(MICRO_BATCH_ATTRIBUTE, images)

    @retried
    def record_began_again(self, sentence: str) -> None:
        """Record why this attempt begins at epoch 0."""
        with fence(self.context.storage, self.claim):
            self.trial.set_user_attr(BEGAN_AGAIN_ATTRIBUTE, sentence)

    @property
    def milliseconds(self) -> float | None:
        """Time of the network for one image, as the first attempt measured it; None: not measured."""
        known: float | None = self.trial.user_attrs.get(MILLISECONDS_ATTRIBUTE)
        return known

    @retried
    def record_model_cost(self, *, parameters: int, milliseconds: float) -> None:
        """Record size and time of the network."""
        specification = judging(self.context.record.specification)
        with fence(self.context.storage, self.claim):
            record_model_cost(self.trial, specification, parameters=parameters, milliseconds=milliseconds)

    def excess(self, *, parameters: int, milliseconds: float) -> str | None:
        """Why such a network is over a limit of the study, if it is."""
        specification = judging(self.context.record.specification)
        return excess(specification, parameters=parameters, milliseconds=milliseconds)

    def resume(self, epochs: Sequence[EpochResult]) -> None:
        """Take over from a checkpoint the epochs that the database has not heard of."""
        self._pending = [result for result in epochs if result.epoch not in self.known_steps]

    def add(self, result: EpochResult) -> None:
        """Take an epoch, to be reported next."""
        self._pending.append(result)

    def try_report(self) -> bool:
        """Report the epochs that were taken; False if the database is away, so that training can go on."""
        return self.context.retry.try_once(self._report_pending)

    @retried
    def report(self) -> None:
        """Report the epochs that were taken."""
        self._report_pending()

    def _report_pending(self) -> None:
        while self._pending:
            self._report(self._pending[0])
            del self._pending[0]

    def _report(self, result: EpochResult) -> None:
        value = METRICS[self.context.record.specification.metric].of(result)
        is_news = result.epoch not in reported_steps(self.trial)  # a reassigned trial may do it a second time
        with self.context.engine.begin() as connection:
            report_epoch(connection, self.claim, result, value, is_news=is_news)
        if is_news:
            note_step(self.trial, value, step=result.epoch)

    @retried
    def should_prune(self) -> bool:
        """Whether the pruner stops the trial after what was reported."""
        return self.trial.should_prune()

    @retried
    def end(
        self,
        outcome: Outcome,
        *,
        confusion_KK: npt.NDArray[np.int64] | None,
        user_attributes: Mapping[str, object],
        artifacts: Mapping[str, str],
    ) -> None:
        """Finish the trial, in one transaction with what a complete one leaves and the mark that it is not published.

        `artifacts`: the system attributes that make stored files the trial's.
        """
        if self._trial is not None:
            self._report_pending()
        value = self._value(outcome)
        system_attributes = {**artifacts, **mark(confusion_KK)}
        claim = self.claim
        with self.context.engine.begin() as connection:
            report_end(
                connection,
                claim,
                outcome,
                value=value,
                user_attributes=user_attributes,
                system_attributes=system_attributes,
            )
            forgotten = claim.attempt + (outcome.state != "complete")  # its own, if only a complete trial keeps weights
            if forgotten:
                uid = self.context.record.uid
                forget_earlier(connection, claim.trial_id, study_uid=uid, number=claim.number, attempt=forgotten)
        if self._trial is not None:
            after_end(self.context.study, self._trial, TrialState[STATES[outcome.state]], value)

    def _value(self, outcome: Outcome) -> float | None:
        """Optuna's value of the trial: of a pruned one the last that was reported, as in Study.tell."""
        if outcome.state == "pruned" and self._trial is not None:
            return last_reported(self._trial)
        return outcome.value if outcome.state == "complete" else None

    @retried
    def requeue(self, outcome: Outcome) -> None:
        """Let the next attempt at the trial begin."""
        self._requeue(outcome)

    def try_requeue(self, outcome: Outcome) -> bool:
        """Let the next attempt at the trial begin; False if the database is away, and the trial is found lost."""
        return self.context.retry.try_once(lambda: self._requeue(outcome))

    def _requeue(self, outcome: Outcome) -> None:
        failure = outcome.failure or "interrupted"
        with fence(self.context.engine, self.claim) as connection:
            requeue(connection, self.claim.trial_id, failure=failure, reason=outcome.reason)
