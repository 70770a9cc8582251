"""A worker: a process that pulls trials of one study until the budget is used or it is told to stop."""

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

from automl.artifacts.garbage import remove_leftovers
from automl.artifacts.store import ArtifactStore
from automl.artifacts.weights import drop_surplus_weights
from automl.data.dataset import DataSet
from automl.data.loading import load_data_set
from automl.errors import StudyError
from automl.metrics import METRICS
from automl.models.building import build_model, resolve_builder
from automl.queue.budget import issue_ticket, standing
from automl.queue.claims import GRACE_SECONDS, Claim, find_held, recover_lost, take_waiting
from automl.queue.heartbeat import Heartbeat
from automl.recipe import Value
from automl.results.bugs import BUG, IN_A_ROW, cause, is_same_bug_again
from automl.results.notes import write_missing_trial_notes
from automl.storage.database import Database
from automl.storage.optuna_internals import engine_of
from automl.storage.optuna_storage import Connectivity, open_storage
from automl.study.specification import Specification
from automl.study.study import StudyRecord
from automl.tracking.wandb_runs import RunTracker
from automl.training.device import UnusedGpuWarning, choose_device, choose_precision, describe
from automl.worker.context import Workplace
from automl.worker.outcomes import Outcome
from automl.worker.pruners import build_pruner
from automl.worker.samplers import build_sampler, worker_seed
from automl.worker.trial import TrialRun

IDLE_SECONDS = 0.5
TRACKER_CLOSE_SECONDS = 16.0
Ending = Literal["budget used", "out of time", "stopped", "told to end"]


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
        told_to_end: threading.Event,
        data: str | None = None,
        device: str = "auto",
        threads: int | None = None,
        outage_seconds: float,
        grace_seconds: float = GRACE_SECONDS,
        say: Callable[[str], None],
    ) -> None:
        """Load the data; nothing is taken yet.

        `data`: where they lie on this machine, if not where the study found them.
        `threads`: of this process on a CPU; None leaves them to PyTorch.
        `outage_seconds`: how long the database may stay away. `grace_seconds`: how long another worker may be silent.

        Raises: StudyError if this machine's data are not the study's.
        """
        self._record = record
        self._say = say
        self._grace_seconds = grace_seconds
        self._told_to_end = told_to_end
        if threads is not None:
            torch.set_num_threads(threads)
        self._artifacts = artifacts
        self._tracker = tracker
        self._write_model = write_model
        self._data = load_study_data(record, home=home, reference=data)
        self._device, unused_gpu = choose_worker_device(device)
        self._precision = choose_precision(self._device, self._data.image_shape)
        self._place = "; ".join((describe(self._device, self._precision), *unused_gpu))
        self._connectivity = Connectivity(outage_seconds=outage_seconds, told_to_end=told_to_end.is_set, warn=say)
        self._storage = self._connectivity.ride_out(lambda: open_storage(database))
        self._connectivity.forget_session = self._storage.remove_session
        self._engine: Engine = engine_of(self._storage)
        self._queue = starting_queue(record.specification)

    def run(self) -> Ending:
        """Pull and run trials until there is nothing left to do.

        Raises: StudyError when the same bug ended three trials in a row; StorageError when the database stays away.
        """
        self._say(f"{self._place}; data {self._data.fingerprint[:12]}")
        beat = Heartbeat(
            self._engine,
            study_id=self._record.study_id,
            device=self._place,
            warn=self._say,
            grace_seconds=self._grace_seconds,
        )
        with ExitStack() as alive:
            self._connectivity.ride_out(lambda: alive.enter_context(beat))
            study = self._connectivity.ride_out(lambda: self._open_study(beat.ordinal))
            place = self._workplace(study, beat)
            self._connectivity.ride_out(self._remove_leftovers)
            try:
                ending = self._pull(place, beat)
                if ending == "budget used":
                    self._connectivity.ride_out(self._put_in_order)
                return ending
            finally:
                self._tracker.close(timeout_seconds=TRACKER_CLOSE_SECONDS)
                self._storage.remove_session()

    def _pull(self, place: Workplace, beat: Heartbeat) -> Ending:
        while True:
            ending = self._ending(beat)
            if ending is not None:
                return ending
            claim = self._connectivity.ride_out(lambda: self._next_claim(place.study, beat))
            if claim is not None:
                self._judge(claim, TrialRun(place, claim).run())
            elif self._connectivity.ride_out(self._nothing_unfinished):
                return "budget used"
            else:
                # Others' last trials: should one of them vanish, its trial is taken over here.
                self._told_to_end.wait(IDLE_SECONDS)

    def _ending(self, beat: Heartbeat) -> Ending | None:
        if self._told_to_end.is_set():
            return "told to end"
        if beat.stop_requested():
            return "stopped"
        return "out of time" if beat.out_of_time() else None

    def _next_claim(self, study: optuna.Study, beat: Heartbeat) -> Claim | None:
        for _ in range(2):  # what waits comes first; else a new ticket, which another worker may take before us
            with self._engine.begin() as connection:
                mine = {"study_id": self._record.study_id, "worker_id": beat.worker_id}
                claim = find_held(connection, **mine) or take_waiting(connection, **mine)
            if claim is not None:
                return claim
            exhaustive = self._record.specification.is_exhaustive
            if not issue_ticket(self._storage, study, self._queue, exhaustive=exhaustive):
                return None
        return None

    def _nothing_unfinished(self) -> bool:
        with self._engine.begin() as connection:
            recover_lost(connection, study_id=self._record.study_id, reached_seconds=0)
            now = standing(connection, self._record.study_id)
        full = now.budget_trials is not None and now.trials >= now.budget_trials
        exhausted = self._record.specification.is_exhaustive and now.trials >= len(self._queue)
        return (full or exhausted) and now.trials == now.finished

    def _put_in_order(self) -> None:
        """Do for trials what their own workers were killed before they could."""
        with self._engine.begin() as connection:
            write_missing_trial_notes(connection, self._record)
        specification = self._record.specification
        drop_surplus_weights(
            self._engine,
            self._record.study_id,
            keep=specification.keep,
            maximize=METRICS[specification.metric].maximize,
            artifacts=self._artifacts,
        )
        self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        remove_leftovers(self._engine, self._record, artifacts=self._artifacts)

    def _judge(self, claim: Claim, outcome: Outcome) -> None:
        self._say(told(claim, outcome))
        if outcome.failure != BUG or not self._connectivity.ride_out(self._is_same_bug_again):
            return
        raise StudyError(
            f"The same error ended {IN_A_ROW} trials in a row, so this worker stops: {cause(str(outcome.reason))}\n"
            f"See the whole traceback with: automl show {claim.number} {self._record.name}"
        )

    def _is_same_bug_again(self) -> bool:
        with self._engine.connect() as connection:
            return is_same_bug_again(connection, self._record.study_id)

    def _open_study(self, ordinal: int) -> optuna.Study:
        specification = self._record.specification
        pruner = build_pruner(specification)
        sampler = build_sampler(specification.sampler, seed=worker_seed(specification.seed, ordinal))
        return optuna.load_study(study_name=self._record.name, storage=self._storage, sampler=sampler, pruner=pruner)

    def _workplace(self, study: optuna.Study, beat: Heartbeat) -> Workplace:
        model = self._record.specification.model
        return Workplace(
            record=self._record,
            study=study,
            storage=self._storage,
            engine=self._engine,
            connectivity=self._connectivity,
            data=self._data,
            build=resolve_builder(model) if model else build_model,
            device=self._device,
            precision=self._precision,
            artifacts=self._artifacts,
            tracker=self._tracker,
            write_model=self._write_model,
            trial_seconds=beat.trial_seconds,
            interrupted=lambda: self._ending(beat) is not None,
            say=self._say,
        )


def choose_worker_device(asked: str) -> tuple[torch.device, list[str]]:
    """The device that was asked for, and a sentence if a GPU lies idle.

    Raises: TrainingError if the device that was asked for is not there.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UnusedGpuWarning)
        device = choose_device(asked)
    return device, [str(warning.message) for warning in caught]


def load_study_data(record: StudyRecord, *, home: Path, reference: str | None = None) -> DataSet:
    """The study's data without its test split, from where the study found them or from `reference`.

    Raises: DataError if nothing is there; StudyError if they are other data than the study's.
    """
    specification = record.specification
    data = load_data_set(
        reference or specification.data.reference,
        home=home,
        splits=("train", "validation"),
        split_seed=specification.seed,
        sizing=specification.data.sizing,
    )
    check_fingerprint(record, data)
    return data


def check_fingerprint(record: StudyRecord, data: DataSet) -> None:
    """Compare loaded data with the study's.

    Raises: StudyError with both fingerprints if they differ.
    """
    expected = record.specification.data.fingerprint
    if data.fingerprint != expected:
        raise StudyError(
            f"{data.reference} is not what study {record.name} searches on: its fingerprint is "
            f"{data.fingerprint[:12]}, the study's {expected[:12]}. Bring the old data back, or begin a new study."
        )


def starting_queue(specification: Specification) -> Sequence[Mapping[str, Value]]:
    """What the first trials fix, by trial number: the whole grid, or the recipes to try before the sampler proposes.

    Nothing where the study confirms another one: its trials are queued whole.
    """
    if specification.confirms is not None:
        return ()
    space = specification.space
    recipes = space.grid() if specification.sampler == "grid" else space.first_recipes()
    return [space.stored(recipe) for recipe in recipes]


def told(claim: Claim, outcome: Outcome) -> str:
    """One line on how an attempt ended."""
    line = f"trial {claim.number}: {outcome.state}"
    if outcome.value is not None:
        line += f", {outcome.value:.4f}"
    if outcome.failure is not None:
        line += f", {outcome.failure}: {cause(str(outcome.reason))}"
    return line
