"""Creation of the tables. Optuna, which creates its own, takes 0.3 s to import; what only reads needs none of it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StorageError
from automl.storage.advisory_locks import lock_schema
from automl.storage.database import Database
from automl.storage.optuna_internals import create_optuna_tables
from automl.storage.schema import TABLES, UPGRADES, VERSION, has_schema
from automl.storage.sql_facts import worker_is_alive

ALIVE_SECONDS = 60.0
"""A worker that was heard of within this time may be at work, as `queue.recovery` has it."""


def create_schema(database: Database) -> None:
    """Create Optuna's tables and ours where they are missing; safe to run from several processes at once.

    Raises: StorageError if the tables are of another version.
    """
    with database.engine.connect() as connection:
        if has_schema(connection):
            return
    with database.engine.begin() as connection:
        lock_schema(connection)
        create_optuna_tables(database)
        connection.execute(text(TABLES))
        connection.execute(text(f"INSERT INTO automl_schema VALUES ({VERSION}) ON CONFLICT DO NOTHING"))


def upgrade_schema(database: Database, *, upgrades: Mapping[int, str] = UPGRADES) -> int | None:
    """Bring tables of an earlier version up to this one, whole or not at all; returns their version, None without any.

    Raises: StorageError if workers are at work that know the earlier tables.
    """
    with database.engine.begin() as connection:
        if not connection.scalar(text("SELECT to_regclass('automl_schema') IS NOT NULL")):
            return None
        lock_schema(connection)
        version: int | None = connection.scalar(text("SELECT max(version) FROM automl_schema"))
        if version in upgrades:
            _refuse_workers(connection)
        while version is not None and version in upgrades:
            connection.execute(text(upgrades[version]))
            version += 1
            connection.execute(text("UPDATE automl_schema SET version = :version"), {"version": version})
        return version


def _refuse_workers(connection: Connection) -> None:
    statement = text(f"SELECT count(*) FROM automl_workers WHERE {worker_is_alive()}")
    workers = connection.scalar(statement, {"silent_seconds": ALIVE_SECONDS})
    if workers:
        raise StorageError(
            f"Workers of an earlier automl are at work on this database ({workers}), and its tables cannot be upgraded "
            "under them. Stop them with: automl stop, and repeat this when they have ended."
        )
