"""Every part of Optuna that we use beyond its public interface; docs/design/optuna-internals.md lists them.

Checked against Optuna 5.0. Each function names what it relies on.
"""

from __future__ import annotations

import json
import mimetypes
import warnings
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import optuna
from optuna.artifacts import ArtifactMeta
from optuna.artifacts._upload import ARTIFACTS_ATTR_PREFIX
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool
from typing_extensions import override

from automl.storage.attributes import PHASE_ATTRIBUTE
from automl.storage.database import ENGINE_OPTIONS, Database
from automl.storage.sql_facts import BEST_FIRST, COMPLETE_TRIALS
from automl.storage.trial_rows import read_frozen_trial, read_frozen_trials


class FastStorage(RDBStorage):
    """Optuna's storage on a database's own connections, with one aggregated statement for each read of trials.

    Relies on: RDBStorage.engine and scoped_session, which Optuna asks for a session at each call and keeps none;
    _CachedStorage reading through RDBStorage._get_trials, get_trial and _get_best_trial_id.
    """

    def __init__(self, database: Database) -> None:
        """The tables exist already. `begin` makes one transaction of several calls."""
        # Its own engine serves the constructor alone: it checks the version of Optuna's tables there.
        options = {"poolclass": NullPool, "creator": database.connect}
        super().__init__(database.url, engine_kwargs=options, skip_table_creation=True)
        self.remove_session()
        self.scoped_session.configure(bind=database.engine)
        self.engine = database.engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction for our statements and for all that this thread does through Optuna in the block.

        A rollback of Optuna's undoes its own call alone; what it commits waits for the end of the block.
        """
        with self.engine.begin() as connection:
            self.scoped_session.remove()
            self.scoped_session(bind=connection, join_transaction_mode="create_savepoint")
            try:
                yield connection
            finally:
                self.scoped_session.remove()

    @override
    def get_trial(self, trial_id: int) -> FrozenTrial:
        with self.scoped_session() as session:
            return read_frozen_trial(session, trial_id)

    @override
    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        with self.scoped_session() as session:
            trials = read_frozen_trials(
                session, study_id, after=trial_id_greater_than, among=sorted(included_trial_ids)
            )
        return [trial for trial in trials if states is None or trial.state in states]

    @override
    def _get_best_trial_id(self, study_id: int, direction: StudyDirection) -> int:
        """Of trials with equal values the oldest, as everywhere here; Optuna leaves it to the database."""
        statement = f"SELECT trial_id FROM {COMPLETE_TRIALS} WHERE study_id = :study {BEST_FIRST} LIMIT 1"
        with self.scoped_session() as session:
            found: int | None = session.scalar(text(statement), {"study": study_id})
        if found is None:
            raise ValueError("No trials are completed yet.")
        return found


class SearchStorage(_CachedStorage):
    """Trials as samplers and pruners should see them: without final trainings, which had more epochs than the others.

    Relies on: _CachedStorage, which load_study would put around the storage, too; get_all_trials, through which
    samplers, pruners and search spaces read.
    """

    @override
    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = super().get_all_trials(study_id, deepcopy=deepcopy, states=states)
        return [trial for trial in trials if PHASE_ATTRIBUTE not in trial.user_attrs]


@contextmanager
def accepted_experiments() -> Iterator[None]:
    """Use what Optuna marks as experimental without its warning: our tests hold what we rely on.

    These are TPE's groups, the GP and QMC samplers, Hyperband and the names of metrics.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def create_optuna_tables(database: Database) -> None:
    """Create Optuna's tables where they are missing.

    Relies on: RDBStorage's constructor creating them.
    """
    storage = RDBStorage(database.url, engine_kwargs={**ENGINE_OPTIONS, "creator": database.connect})
    storage.engine.dispose()


def engine_of(storage: RDBStorage) -> Engine:
    """The connections of a storage, to be shared with our own statements.

    Relies on: RDBStorage.engine.
    """
    return storage.engine


def study_id_of(study: optuna.Study) -> int:
    """The study's primary key, which our tables refer to.

    Relies on: Study._study_id.
    """
    return int(study._study_id)  # noqa: SLF001


def enqueue_waiting_trial(
    study: optuna.Study, fixed: Mapping[str, Any], *, attributes: Mapping[str, Any] | None = None
) -> int:
    """Queue one trial, some of whose parameters may be fixed, and return its primary key. `attributes`: of the user's.

    As Study.enqueue_trial, which does not return the key. Relies on: BaseStorage.create_new_trial with a template, and
    the system attribute `fixed_params` that Trial reads.
    """
    template = create_trial(
        state=TrialState.WAITING, system_attrs={"fixed_params": dict(fixed)}, user_attrs=dict(attributes or {})
    )
    return int(study._storage.create_new_trial(study_id_of(study), template_trial=template))  # noqa: SLF001


def running_trial(study: optuna.Study, trial_id: int) -> optuna.Trial:
    """The Trial of a row that is already RUNNING: what Study.ask does after it has taken one from the queue.

    Relies on: Trial's constructor; Study._thread_local.cached_all_trials, which ask clears first; the cache in front of
    the storage, which knows only trials that it has listed.
    """
    study._thread_local.cached_all_trials = None  # noqa: SLF001
    study._storage.get_all_trials(study_id_of(study), deepcopy=False, states=(TrialState.RUNNING,))  # noqa: SLF001
    return optuna.Trial(study, trial_id)


def reported_steps(trial: optuna.Trial) -> set[int]:
    """Steps that this trial has reported, in this attempt or an earlier one.

    Relies on: Trial._cached_frozen_trial.
    """
    return set(trial._cached_frozen_trial.intermediate_values)  # noqa: SLF001


def note_step(trial: optuna.Trial, value: float, *, step: int) -> None:
    """Let the trial, and so its pruner, know of a step that is stored.

    Relies on: Trial._cached_frozen_trial.
    """
    trial._cached_frozen_trial.intermediate_values[step] = value  # noqa: SLF001


def last_reported(trial: optuna.Trial) -> float | None:
    """The value of the last step that was reported; None: none was.

    Relies on: Trial._cached_frozen_trial.
    """
    steps = trial._cached_frozen_trial.intermediate_values  # noqa: SLF001
    return steps[max(steps)] if steps else None


def after_end(study: optuna.Study, trial: optuna.Trial, state: TrialState, value: float | None) -> None:
    """Do what Study.tell does besides storing how the trial ended.

    Relies on: Trial._cached_frozen_trial; Study._thread_local.cached_all_trials.
    """
    study._thread_local.cached_all_trials = None  # noqa: SLF001
    values = None if value is None else [value]
    study.sampler.after_trial(study, trial._cached_frozen_trial, state, values)  # noqa: SLF001


def artifact_record(artifact_id: str, *, filename: str) -> tuple[str, str]:
    """The system attribute, key and value, that makes a stored file a trial's artifact.

    optuna.artifacts.upload_artifact records first and does not write atomically. Relies on: the attribute's prefix and
    form, which optuna-dashboard reads.
    """
    mimetype = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    meta = ArtifactMeta(artifact_id=artifact_id, filename=filename, mimetype=mimetype, encoding=None)
    return ARTIFACTS_ATTR_PREFIX + artifact_id, json.dumps(asdict(meta))


def copy_trial(study: optuna.Study, trial: FrozenTrial) -> int:
    """Add a finished trial to a study and return its primary key there.

    As Study.add_trial, which does not return the key. Relies on: BaseStorage.create_new_trial with a template.
    """
    return int(study._storage.create_new_trial(study_id_of(study), template_trial=trial))  # noqa: SLF001


def validate_trial(trial: FrozenTrial) -> None:
    """See that times, value, parameters and distributions fit the trial's state and each other.

    Raises: ValueError.
    Relies on: FrozenTrial._validate, which Study.add_trial calls.
    """
    trial._validate()  # noqa: SLF001


def frozen_trial_id_of(trial: FrozenTrial) -> int:
    """The primary key of a trial that was read.

    Relies on: FrozenTrial._trial_id.
    """
    return int(trial._trial_id)  # noqa: SLF001
