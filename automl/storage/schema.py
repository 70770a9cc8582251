"""Our tables beside Optuna's: what the reassignment of trials, a budget and a learning curve need.

`automl_studies`  budget, limit of a trial, seconds of active search, a request to stop
`automl_workers`  one row a worker process, with its heartbeat
`automl_trials`   who holds a trial, and at which attempt; seconds of the attempts that ended, and how many workers were
                  lost over them; planned epochs, size, failure
`automl_epochs`   one row an epoch: every figure of EpochResult
`automl_test_openings`  when the test split was opened, and by which command
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StorageError
from automl.metrics import EpochResult

VERSION = 2
UPGRADES: Mapping[int, str] = {}
"""SQL that brings the tables of a version to the next one. Version 2 is the first that is to be released."""
EPOCH_COLUMNS = tuple(field.name for field in dataclasses.fields(EpochResult))

TABLES = f"""
CREATE TABLE IF NOT EXISTS automl_schema (version integer PRIMARY KEY);
CREATE TABLE IF NOT EXISTS automl_studies (
    study_id integer PRIMARY KEY REFERENCES studies (study_id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    budget_trials integer,
    budget_seconds double precision,
    trial_seconds double precision,
    active_seconds double precision NOT NULL DEFAULT 0,
    active_at timestamptz,
    stop_requested boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS automl_workers (
    worker_id serial PRIMARY KEY,
    study_id integer NOT NULL REFERENCES studies (study_id) ON DELETE CASCADE,
    ordinal integer NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    device text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    beat_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
CREATE TABLE IF NOT EXISTS automl_trials (
    trial_id integer PRIMARY KEY REFERENCES trials (trial_id) ON DELETE CASCADE,
    attempt integer NOT NULL DEFAULT 0,
    worker_id integer REFERENCES automl_workers (worker_id) ON DELETE SET NULL,
    epochs integer,
    parameters integer,
    threads integer,
    seconds double precision NOT NULL DEFAULT 0,
    lost integer NOT NULL DEFAULT 0,
    failure text,
    reason text
);
CREATE TABLE IF NOT EXISTS automl_epochs (
    trial_id integer NOT NULL REFERENCES trials (trial_id) ON DELETE CASCADE,
    {", ".join(f"{name} {'integer' if name == 'epoch' else 'double precision'} NOT NULL" for name in EPOCH_COLUMNS)},
    PRIMARY KEY (trial_id, epoch)
);
CREATE TABLE IF NOT EXISTS automl_test_openings (
    study_id integer NOT NULL REFERENCES studies (study_id) ON DELETE CASCADE,
    opened_at timestamptz NOT NULL DEFAULT now(),
    command text NOT NULL
);
CREATE INDEX IF NOT EXISTS automl_workers_study ON automl_workers (study_id);
"""


SEEN = """
SELECT to_regclass('automl_schema') IS NOT NULL AS exists, current_setting('search_path') AS path,
       (SELECT count(DISTINCT relnamespace) FROM pg_class WHERE oid IN (
           to_regclass('automl_schema'), to_regclass('studies'), to_regclass('trials'))) AS schemas
"""
ELSEWHERE = """
SELECT nspname FROM pg_class JOIN pg_namespace AS namespaces ON namespaces.oid = relnamespace
WHERE relname = 'automl_schema' AND relkind = 'r' AND has_schema_privilege(namespaces.oid, 'USAGE') ORDER BY nspname
"""


def has_schema(connection: Connection) -> bool:
    """Whether this database has ever held a study of ours.

    Raises: StorageError if its tables are of another version, or in a schema that this connection does not look at.
    """
    seen = connection.execute(text(SEEN)).one()
    if not seen.exists:
        _refuse_elsewhere(connection, seen.path)
        return False
    if seen.schemas != 1:
        raise StorageError(
            f"With search_path {seen.path} the tables of the studies come from several schemas, and some of them are "
            "somebody else's. Name one schema alone: see PGOPTIONS, the URL's options and the role's settings."
        )
    version = connection.scalar(text("SELECT max(version) FROM automl_schema"))
    if version not in (None, VERSION):
        upgrade = "Upgrade them with: automl setup." if version in UPGRADES else "Use another database."
        raise StorageError(
            f"The tables of this database are of version {version}, and this automl works with version {VERSION}. "
            f"Install the automl that wrote them, or {upgrade[0].lower()}{upgrade[1:]}"
        )
    return version is not None


def _refuse_elsewhere(connection: Connection, path: str) -> None:
    """See that no studies lie where nobody looks, unless the URL itself names the schema: then it is meant."""
    if "search_path" in str(connection.engine.url.query.get("options", "")):
        return
    schemas = connection.scalars(text(ELSEWHERE)).all()
    if schemas:
        raise StorageError(
            f"The studies of this database are in schema {', '.join(schemas)}, and this connection looks in {path}. "
            "Take search_path out of PGOPTIONS and the role's settings; or, to begin anew where it looks, add "
            "?options=-csearch_path%3DSCHEMA to the URL."
        )
