"""Creation of the tables. Optuna, which creates its own, takes 0.3 s to import; what only reads needs none of it."""

from __future__ import annotations

from sqlalchemy import text

from automl.storage.advisory_locks import lock_schema
from automl.storage.database import Database
from automl.storage.optuna_internals import create_optuna_tables
from automl.storage.schema import TABLES, VERSION, has_schema


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
