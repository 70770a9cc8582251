"""A worker: a process that pulls trials of one study until the budget is used or it is asked to stop."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import optuna
import torch
from sqlalchemy.engine import Engine

from automl.artifacts.garbage import remove_garbage
from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import drop_surplus_weights
from automl.errors import StudyError
from automl.models.building import resolve_builder
from automl.queue.budget import budget_status
from automl.queue.claims import WITHOUT_END, Claim, TimeLeft, find_held, take_waiting
from automl.queue.enqueuing import enqueue_trial
from automl.queue.final_training import enqueue_final, least_needed_seconds
from automl.queue.heartbeat import Heartbeat
from automl.queue.phase import Phase, StudyTime
from automl.queue.recovery import GRACE_SECONDS, recover_lost
from automl.recipe import Value
from automl.results.bugs import BUG, IN_A_ROW, cause, is_same_bug_again
from automl.results.note_writing import write_missing_trial_notes, write_study_note
from automl.results.trials import count_states
from automl.sanitize import shell_word
from automl.storage.database import Database
from automl.storage.optuna_internals import SearchStorage, engine_of
from automl.storage.optuna_storage import open_storage
from automl.storage.retry import OutageRetry
from automl.study.consent import check_consent, trusted_model
from automl.study.record import StudyRecord
from automl.study.specification import Specification
from automl.study.study_data import load_study_data
from automl.tracking.wandb_runs import RunTracker
from automl.training.device import UnusedGpuWarning, choose_device, choose_precision, describe
from automl.worker.outcomes import Outcome, describe_end
from automl.worker.publisher import STOP_SECONDS, TrialPublisher
from automl.worker.publishing import left_unpublished, others_publish, publish_trial
from automl.worker.strategies.pruners import build_pruner
from automl.worker.strategies.samplers import build_sampler, worker_seed
from automl.worker.trial import TrialRun
from automl.worker.trial_plan import NO_TIME, seconds_for
from automl.worker.watchdog import HUNG_SECONDS, Cause, Watchdog, stay
from automl.worker.worker_context import PaceCorrection, TrialLimits, WorkerContext

IDLE_SECONDS = 0.5
TRACKER_CLOSE_SECONDS = 16.0
MOST_UNFIT = 5
"""Trials in a row that did not fit, after which a worker without a recipe to train again waits for the deadline."""
Ending = Literal["budget used", "out of time", "stopped", "asked to stop"]


class Worker:
    """Runs trials of a study on one device."""

    def __init__(
        self,
        database: Database,
        record: StudyRecord,
        *,
        home: Path,
        artifacts: ArtifactStore,
        tracker: RunTracker,
        write_model: Callable[[int, Path], None],
        stop_event: threading.Event,
        data: str | None = None,
        device: str = "auto",
        threads: int | None = None,
        share: int | None = None,
        outage_seconds: float,
        grace_seconds: float = GRACE_SECONDS,
        hung_seconds: float = HUNG_SECONDS,
        leave: Callable[[Cause], None] = stay,
        log: Callable[[str], None],
    ) -> None:
        """Load the data; nothing is claimed yet.

        `data`: where they lie on this machine, if not where the study found them.
        `threads`: of this process on a CPU, always; None measures at each trial how many are fastest. `share`: the
        number of cores for this worker, None: as many threads as PyTorch has.
        `outage_seconds`: how long the database may stay away. `grace_seconds`: how long another worker may be silent.
        `hung_seconds`: time without a batch after which a training hangs. `leave`: ends this process, or replaces it by
        another worker, where a training does not answer.

        Raises: DataError if this machine's data are not the study's. StudyError if the study names code that nobody
            let it import.
        """
        check_consent(record)
        self._record = record
        self._log = log
        self._grace_seconds = grace_seconds
        self._hung_seconds, self._leave = hung_seconds, leave
        self._stop_event = stop_event
        self._share = None if threads is not None else share or torch.get_num_threads()
        torch.set_num_threads(threads or share or torch.get_num_threads())
        self._artifacts = artifacts
        self._tracker = tracker
        self._write_model = write_model
        self._data = load_study_data(record.specification, of=f"study {record.name}", home=home, reference=data)
        self._device, unused_gpu = choose_worker_device(device)
        precision = choose_precision(self._device, self._data.image_shape)
        self._device_name = "; ".join((describe(self._device, precision), *unused_gpu))
        self._retry = OutageRetry(outage_seconds=outage_seconds, shutdown_requested=stop_event.is_set, warn=log)
        self._storage = self._retry.retry_until_available(lambda: open_storage(database))
        self._retry.forget_session = self._storage.remove_session
        self._engine: Engine = engine_of(self._storage)
        self._queue = starting_queue(record.specification)
        self._correction = PaceCorrection()
        self._unfit_seconds = 0.0
        """Time left for a trial of the search in which the last one that this worker tried did not fit."""
        self._unfit_in_a_row = 0

    def run(self) -> Ending:
        """Pull and run trials until there is nothing left to do.

        Raises: StudyError when the same bug ended three trials in a row; StorageError when the database stays away.
        """
        self._log(f"{self._device_name}; data {self._data.fingerprint[:12]}")
        beat = Heartbeat(
            self._engine,
            study_id=self._record.study_id,
            device=self._device_name,
            warn=self._log,
            grace_seconds=self._grace_seconds,
            retry=self._retry,
        )
        with ExitStack() as alive:
            self._retry.retry_until_available(lambda: alive.enter_context(beat))
            study = self._retry.retry_until_available(lambda: self._open_study(beat.worker_index))
            self._retry.retry_until_available(self._remove_garbage)
            publisher = self._publisher()
            publisher.publish_left(beat.worker_id)
            try:
                watchdog = Watchdog(self._leave, self._log, self._hung_seconds, on_end=beat.end)
                alive.enter_context(watchdog)
                ending = self._pull(self._context(study, beat, publisher, watchdog), beat)
                if ending == "budget used":
                    self._finish_publishing(publisher, beat)
                    self._retry.retry_until_available(lambda: self._finalize(beat))
                return ending
            finally:
                publisher.close(timeout_seconds=STOP_SECONDS)
                self._tracker.close(timeout_seconds=TRACKER_CLOSE_SECONDS)
                self._storage.remove_session()

    def _pull(self, context: WorkerContext, beat: Heartbeat) -> Ending:
        while True:
            ending = self._ending(beat)
            if ending is not None:
                return ending
            claim = self._retry.retry_until_available(lambda: self._next_claim(context.study, beat))
            context.publisher.hurry(is_idle=claim is None)
            if claim is not None:
                outcome = TrialRun(context, claim).run()
                self._heed(outcome, beat)
                self._check_outcome(claim, outcome)
            elif self._retry.retry_until_available(self._nothing_unfinished):
                return "budget used"
            else:
                # Others' last trials: should one of them vanish, its trial is reassigned to this worker.
                self._stop_event.wait(IDLE_SECONDS)

    def _ending(self, beat: Heartbeat) -> Ending | None:
        if self._stop_event.is_set():
            return "asked to stop"
        if beat.stop_requested():
            return "stopped"
        return "out of time" if beat.out_of_time() else None

    def _next_claim(self, study: optuna.Study, beat: Heartbeat) -> Claim | None:
        for _ in range(2):  # a waiting trial comes first; else one is enqueued, which others may claim
            moment = self._time(beat)
            with self._engine.begin() as connection:
                mine = {"study_id": self._record.study_id, "worker_id": beat.worker_id}
                has_complete = count_states(connection, self._record.study_id).get("COMPLETE", 0) > 0
                within = WITHOUT_END if moment is None else _time_left(moment, has_complete=has_complete)
                claim = find_held(connection, **mine) or take_waiting(connection, **mine, within=within)
            if claim is not None:
                return claim
            if not self._enqueue(study, moment, within, has_complete=has_complete):
                return None
        return None

    def _time(self, beat: Heartbeat) -> StudyTime | None:
        """The study's clock, which plans trials; None where it only ends a search that has to train all trials."""
        specification = self._record.specification
        return None if specification.is_exhaustive else beat.time(final_share=specification.final_share)

    def _enqueue(self, study: optuna.Study, moment: StudyTime | None, within: TimeLeft, *, has_complete: bool) -> bool:
        """Queue a trial of the search, or a final training once there is no time for another one."""
        specification = self._record.specification
        if moment is not None and self._is_search_over(moment, within):
            if specification.final_share and enqueue_final(
                self._storage, study, seed=specification.seed, seconds_left=moment.seconds_left
            ):
                return True
            if has_complete or self._unfit_in_a_row >= MOST_UNFIT:
                return False
        return enqueue_trial(self._storage, study, self._queue, exhaustive=specification.is_exhaustive)

    def _is_search_over(self, moment: StudyTime, within: TimeLeft) -> bool:
        """Whether another trial of the search could hardly end in time, or it is time for final training."""
        if moment.phase == Phase.FINAL_TRAINING or within.search_seconds <= self._unfit_seconds:
            return True
        with self._engine.connect() as connection:
            return within.search_seconds < least_needed_seconds(connection, self._record.study_id)

    def _heed(self, outcome: Outcome, beat: Heartbeat) -> None:
        """Remember that there was no time for a trial, so that no other of the search is tried with less."""
        moment = self._time(beat)
        if outcome.failure != NO_TIME or moment is None:
            self._unfit_in_a_row = 0
            return
        self._unfit_in_a_row += 1
        self._unfit_seconds = moment.search_seconds_left

    def _nothing_unfinished(self) -> bool:
        with self._engine.begin() as connection:
            recover_lost(connection, study_id=self._record.study_id, reached_seconds=0)
            now = budget_status(connection, self._record.study_id)
        full = now.budget_trials is not None and now.trials >= now.budget_trials
        exhausted = self._record.specification.is_exhaustive and now.trials >= len(self._queue)
        return (full or exhausted) and now.trials == now.finished

    def _finish_publishing(self, publisher: TrialPublisher, beat: Heartbeat) -> None:
        """Publish this worker's own trials, however long it takes, unless it is asked to stop."""
        while not publisher.finish(timeout_seconds=IDLE_SECONDS) and self._ending(beat) is None:
            pass

    def _finalize(self, beat: Heartbeat) -> None:
        """Do for trials what their own workers were killed before they could."""
        self._publish_left(beat)
        with self._engine.begin() as connection:
            write_missing_trial_notes(connection, self._record)
            write_study_note(connection, self._record)
        keep = self._record.specification.keep
        drop_surplus_weights(self._engine, self._record.study_id, keep=keep, artifacts=self._artifacts)
        self._remove_garbage()

    def _publish_left(self, beat: Heartbeat) -> None:
        """Publish what is left; others that are alive publish theirs, and are waited for, in case they vanish."""
        mine, tried = {"worker_id": beat.worker_id}, set[int]()
        while True:
            with self._engine.connect() as connection:
                left = left_unpublished(connection, self._record.study_id, **mine)
                others_are_at_it = others_publish(connection, self._record.study_id, **mine)
            for number in sorted(set(left) - tried):
                if self._ending(beat) is not None:
                    return
                publish_trial(self._engine, self._record, number, artifacts=self._artifacts, log=self._log)
            tried.update(left)
            if not others_are_at_it or self._ending(beat) is not None:
                return
            self._stop_event.wait(IDLE_SECONDS)

    def _remove_garbage(self) -> None:
        remove_garbage(
            self._engine, study_id=self._record.study_id, study_uid=self._record.uid, artifacts=self._artifacts
        )

    def _check_outcome(self, claim: Claim, outcome: Outcome) -> None:
        self._log(describe_end(claim, outcome))
        if outcome.failure != BUG or not self._retry.retry_until_available(self._is_same_bug_again):
            return
        raise StudyError(
            f"The same error ended {IN_A_ROW} trials in a row, so this worker stops: {cause(str(outcome.reason))}\n"
            f"See the whole traceback with: automl show {claim.number} {shell_word(self._record.name)}"
        )

    def _is_same_bug_again(self) -> bool:
        with self._engine.connect() as connection:
            return is_same_bug_again(connection, self._record.study_id)

    def _open_study(self, worker_index: int) -> optuna.Study:
        specification = self._record.specification
        pruner = build_pruner(specification)
        sampler = build_sampler(specification.sampler, seed=worker_seed(specification.seed, worker_index))
        storage = SearchStorage(self._storage)
        return optuna.load_study(study_name=self._record.name, storage=storage, sampler=sampler, pruner=pruner)

    def _publisher(self) -> TrialPublisher:
        return TrialPublisher(
            self._engine,
            self._record,
            artifacts=self._artifacts,
            tracker=self._tracker,
            retry=self._retry,
            write_model=self._write_model,
            log=self._log,
        )

    def _context(
        self, study: optuna.Study, beat: Heartbeat, publisher: TrialPublisher, watchdog: Watchdog
    ) -> WorkerContext:
        return WorkerContext(
            record=self._record,
            study=study,
            storage=self._storage,
            engine=self._engine,
            retry=self._retry,
            publisher=publisher,
            data=self._data,
            build=resolve_builder(trusted_model(self._record)),
            device=self._device,
            artifacts=self._artifacts,
            trial_seconds=beat.trial_seconds,
            limits=TrialLimits(
                time=lambda: self._time(beat),
                out_of_time=lambda: self._ending(beat) == "out of time",
                share=self._share,
                alone=lambda: self._retry.retry_until_available(beat.is_alone),
                correction=self._correction,
            ),
            interrupted=lambda: self._ending(beat) is not None,
            stop_requested=lambda: self._ending(beat) in ("asked to stop", "stopped"),
            watchdog=watchdog,
            log=self._log,
        )


def _time_left(moment: StudyTime, *, has_complete: bool) -> TimeLeft:
    return TimeLeft(moment.seconds_left, seconds_for(moment, is_final=False, has_complete=has_complete))


def choose_worker_device(asked: str) -> tuple[torch.device, list[str]]:
    """The device that was asked for, and a sentence if a GPU lies idle.

    Raises: TrainingError if the device that was asked for is not there.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnusedGpuWarning)
        device = choose_device(asked)
    return device, [str(warning.message) for warning in caught]


def starting_queue(specification: Specification) -> Sequence[Mapping[str, Value]]:
    """What the first trials fix, by trial number: the whole grid, or the recipes to try before the sampler proposes.

    Nothing where the study confirms another one: its trials are queued whole.
    """
    if specification.confirms is not None:
        return ()
    space = specification.space
    recipes = space.grid() if specification.sampler == "grid" else space.first_recipes()
    return [space.optuna_params(recipe) for recipe in recipes]
