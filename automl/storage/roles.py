"""A role of the database that can only read: the dashboard's, which has no authentication of its own."""

from __future__ import annotations

from psycopg2.extensions import encrypt_password
from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ProgrammingError

from automl.errors import StorageError

DASHBOARD_ROLE = "automl_dashboard"
RIGHTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER IN SCHEMA public GRANT SELECT ON TABLES TO {role};
"""
"""Without FOR ROLE the defaults of tables that come later would depend on who created them."""


def create_reader(connection: Connection, role: str, *, password: str) -> None:
    """Create the role, or give it this password; it can SELECT from every table, present and future, and no more.

    `role` is a plain identifier. The password leaves this process as a SCRAM verifier only, so no log can hold it.

    Raises: StorageError if the present user may not create roles.
    """
    assert role.isidentifier()
    session = connection.connection.dbapi_connection
    verifier = encrypt_password(password, role, scope=session, algorithm="scram-sha-256")
    exists = connection.scalar(text("SELECT true FROM pg_roles WHERE rolname = :role"), {"role": role})
    try:
        connection.exec_driver_sql(f"{'ALTER' if exists else 'CREATE'} ROLE {role} LOGIN PASSWORD '{verifier}'")
        connection.exec_driver_sql(RIGHTS.format(role=role))
    except ProgrammingError as error:
        raise StorageError(
            f"The role {role}, which the dashboard reads with, cannot be made: {str(error.orig).splitlines()[0]}. "
            "Let a user with CREATEROLE run automl setup, or leave AUTOML_DASHBOARD_PASSWORD out."
        ) from error


def make_read_only(engine: Engine) -> None:
    """Let every later transaction on this engine only read, whatever its role may do."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
