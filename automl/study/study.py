"""Studies: created, continued, opened, stopped, deleted."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.artifacts.records import artifact_files
from automl.artifacts.store import ArtifactStore
from automl.errors import StudyError
from automl.metrics import METRICS
from automl.queue.claims import GRACE_SECONDS
from automl.storage.database import Database
from automl.storage.schema import SCHEMA_LOCK, has_schema
from automl.study.specification import ATTRIBUTE, Specification

CONFIRMING = '%"confirms": {%'
"""What the specification of a study that confirms another one is like, and of no search: in a text, a quotation mark
has a backslash before it."""


LONGEST_NAME = 200
FORBIDDEN = frozenset("/\\")
"""A report's folder is called like its study."""


@dataclass(frozen=True)
class StudyRecord:
    """A stored study, as the database has it."""

    study_id: int
    name: str
    specification: Specification
    budget_trials: int | None
    """Finished trials in all; None: no limit."""
    budget_seconds: float | None
    """Seconds of active search in all; None: no limit."""
    trial_seconds: float | None
    """Seconds of one trial; None: no limit."""
    created_at: datetime

    @property
    def uid(self) -> str:
        """A short name that no other study has, on this server or another."""
        return study_uid(self.name, self.created_at)


def study_uid(name: str, created_at: datetime) -> str:
    """The unique name of a study: the same wherever it is copied to."""
    return hashlib.sha256(f"{name} {created_at.astimezone(UTC).isoformat()}".encode()).hexdigest()[:8]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a command grants: None leaves a limit as it is."""

    trials: int | None = None
    seconds: float | None = None
    trial_seconds: float | None = None
    configured_trials: int | None = None
    """By a setting or a file instead of a flag: it raises a lower total, and leaves a higher one as it is."""
    default_trials: int | None = None
    """Of a study that would have no end at all."""

    @property
    def planned_trials(self) -> int | None:
        """The total of a new study."""
        if self.trials is None and self.configured_trials is None:
            return self.default_trials if self.seconds is None else None
        return self.trials or self.configured_trials


def find_study(connection: Connection, name: str | None) -> StudyRecord:
    """The study of this name, or the newest search.

    Raises: StudyError if there is none.
    """
    if not has_schema(connection):
        raise StudyError("There is no study yet. Make one with: automl search --data digits")
    row = connection.execute(
        text(
            f"""
            SELECT study_id, study_name, value_json, budget_trials, budget_seconds, trial_seconds, created_at
            FROM automl_studies JOIN studies USING (study_id)
            JOIN study_user_attributes AS attributes USING (study_id)
            WHERE attributes.key = '{ATTRIBUTE}' AND (CAST(:name AS text) IS NULL OR study_name = :name)
            ORDER BY value_json LIKE :confirms, study_id DESC LIMIT 1
            """
        ),
        # bytes that are no UTF-8 name no study
        {"name": name and name.encode(errors="backslashreplace").decode(), "confirms": CONFIRMING},
    ).one_or_none()
    if row is None:
        raise StudyError(_unknown(name, study_names(connection)))
    specification = Specification.from_dict(json.loads(row.value_json))
    return StudyRecord(
        row.study_id,
        row.study_name,
        specification,
        row.budget_trials,
        row.budget_seconds,
        row.trial_seconds,
        row.created_at,
    )


def study_names(connection: Connection) -> list[str]:
    """Names of all studies, the newest first."""
    if not has_schema(connection):
        return []
    statement = "SELECT study_name FROM automl_studies JOIN studies USING (study_id) ORDER BY study_id DESC"
    return list(connection.scalars(text(statement)))


def _unknown(name: str | None, known: Sequence[str]) -> str:
    if not known:
        return "There is no study yet. Make one with: automl search --data digits"
    near = difflib.get_close_matches(name or "", known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known[:10])}."
    return f"There is no study {name!r}. {hint}"


def default_name(data: str, space: str, metric: str) -> str:
    """Name of a study that was given none: what it searches on, in what, for what."""
    name = f"{data}-{space}-{metric}".replace("_", "-")[-LONGEST_NAME:]
    allowed = "".join(letter if letter.isprintable() and letter not in FORBIDDEN else "-" for letter in name)
    return allowed.strip(" .-")


def check_name(name: str) -> None:
    """Check a new study's name, which becomes a folder's name and an argument of commands.

    Raises: StudyError if it cannot be either.
    """
    fits = name.isprintable() and name.strip() == name and 0 < len(name) <= LONGEST_NAME
    if not fits or name.startswith((".", "-")) or not FORBIDDEN.isdisjoint(name):
        raise StudyError(
            f"No study can be called {name[:LONGEST_NAME]!r}: it takes 1 to {LONGEST_NAME} characters on one line, "
            "without / and \\, not beginning with . or -, without spaces at its ends. Choose another name."
        )


def create_or_continue(database: Database, name: str, specification: Specification, budget: Budget) -> StudyRecord:
    """Create the study, or continue the one of this name with a budget that may be raised.

    Raises: StudyError if it exists and searches something else, or if a total would be lowered.
    """
    with database.engine.connect() as connection:
        exists = name in study_names(connection)
    if not exists:
        check_name(name)
        _create(database, name, specification)
    with database.engine.begin() as connection:
        record = find_study(connection, name)
        record.specification.check_same(specification, study=name)
        _grant(connection, record, budget)
        return find_study(connection, name)


def _create(database: Database, name: str, specification: Specification) -> None:
    import optuna  # takes 0.3 s: not for `automl status`

    from automl.storage.optuna_internals import accepted_experiments, study_id_of
    from automl.storage.optuna_storage import open_storage

    maximize = METRICS[specification.metric].maximize
    with database.engine.begin() as connection:
        # One creator at a time; what a killed one left half made is completed here.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SCHEMA_LOCK})
        study = optuna.create_study(
            storage=open_storage(database),
            study_name=name,
            direction="maximize" if maximize else "minimize",
            load_if_exists=True,
        )
        if study.get_trials(deepcopy=False) and ATTRIBUTE not in study.user_attrs:
            raise StudyError(
                f"Study {name} exists in this database, but automl did not make it. Choose another --study NAME."
            )
        if ATTRIBUTE not in study.user_attrs:
            with accepted_experiments():
                study.set_metric_names([f"validation {specification.metric}".replace("_", " ")])
            study.set_user_attr(ATTRIBUTE, specification.as_dict())
        connection.execute(
            text("INSERT INTO automl_studies (study_id) VALUES (:study_id) ON CONFLICT DO NOTHING"),
            {"study_id": study_id_of(study)},
        )


def _grant(connection: Connection, record: StudyRecord, budget: Budget) -> None:
    for what, kind, had, asked in (
        ("trials", "total", record.budget_trials, budget.trials),
        ("timeout", "total", record.budget_seconds, budget.seconds),
        ("trial-timeout", "limit", record.trial_seconds, budget.trial_seconds),
    ):
        if had is not None and asked is not None and asked < had:
            raise StudyError(
                f"Study {record.name} already has a {kind} of {had:g} for --{what}; {asked:g} would lower it. "
                f"It can only be raised: leave --{what} out to keep {had:g}."
            )
    granted = {
        "trials": budget.trials or _unasked_trials(record, budget),
        "seconds": budget.seconds,
        "trial_seconds": budget.trial_seconds,
        "study_id": record.study_id,
    }
    connection.execute(
        text(
            """
            UPDATE automl_studies SET budget_trials = coalesce(:trials, budget_trials),
                   budget_seconds = coalesce(:seconds, budget_seconds),
                   trial_seconds = coalesce(:trial_seconds, trial_seconds), stop_requested = false
            WHERE study_id = :study_id
            """
        ),
        granted,
    )


def _unasked_trials(record: StudyRecord, budget: Budget) -> int | None:
    """The total of a study where no flag says one; None leaves it as it is."""
    if record.budget_trials is None:
        return budget.planned_trials if record.budget_seconds is None else None
    return max(record.budget_trials, budget.configured_trials or 0)


def request_stop(connection: Connection, record: StudyRecord, *, grace_seconds: float = GRACE_SECONDS) -> int:
    """Ask the study's workers to give their trials back and end; returns how many are at work.

    `grace_seconds`: those that were silent for so long are lost, and not counted.
    """
    connection.execute(
        text("UPDATE automl_studies SET stop_requested = true WHERE study_id = :study_id"),
        {"study_id": record.study_id},
    )
    workers = connection.scalar(
        text(
            """
            SELECT count(*) FROM automl_workers WHERE study_id = :study_id AND ended_at IS NULL
            AND beat_at > now() - make_interval(secs => :grace_seconds)
            """
        ),
        {"study_id": record.study_id, "grace_seconds": grace_seconds},
    )
    return int(workers or 0)


def delete_study(database: Database, record: StudyRecord, *, artifacts: ArtifactStore) -> None:
    """Delete the study with its trials, weights and checkpoints.

    Raises: StudyError while workers are at work on it.
    """
    with database.engine.connect() as connection:
        names = artifact_files(connection, record.study_id)
        at_work = connection.scalar(
            text(
                """
                SELECT count(*) FROM automl_workers WHERE study_id = :study_id AND ended_at IS NULL
                AND beat_at > now() - interval '10 seconds'
                """
            ),
            {"study_id": record.study_id},
        )
    if at_work:
        raise StudyError(
            f"{at_work} workers are at work on study {record.name}. End them first: automl stop {record.name}"
        )
    import optuna

    from automl.storage.optuna_storage import open_storage

    optuna.delete_study(study_name=record.name, storage=open_storage(database))
    for name in names:
        artifacts.remove(name)
    artifacts.remove_folder(f"checkpoints/{record.uid}")
