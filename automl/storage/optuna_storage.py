"""Optuna's storage, opened on a database of ours."""

from __future__ import annotations

import optuna

from automl.errors import StorageError
from automl.storage.database import Database
from automl.storage.optuna_internals import FastStorage

optuna.logging.set_verbosity(optuna.logging.WARNING)


def open_storage(database: Database) -> FastStorage:
    """Optuna's view of the database, on the same connections; its tables exist already (`schema_creation`).

    Raises: StorageError if Optuna's tables are of another version.
    """
    try:
        return FastStorage(database)
    except RuntimeError as error:
        raise StorageError(
            f"Optuna {optuna.__version__} cannot work with its tables in {database.shown}: {error} "
            "Install the Optuna that wrote them, the same on every machine."
        ) from error
