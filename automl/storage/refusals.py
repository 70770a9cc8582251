"""What a database that answers does not let this connection do, as a sentence with what to do about it."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StorageError
from automl.masking import mask

READ_ONLY = (
    "This connection can only read: default_transaction_read_only is on, or the server is a standby. "
    "Take the setting out of PGOPTIONS, the URL and the role, or give the URL of the primary."
)
ENCODING = (
    "The database is not in UTF-8, so it has not all letters. Use one that is: "
    "CREATE DATABASE automl ENCODING 'UTF8' TEMPLATE template0."
)
REMEDIES = {
    "25006": READ_ONLY,
    "42501": "Give the URL of a role that may do this, such as the one that made the studies.",
    "3F000": "Its search_path names no schema that is there: see PGOPTIONS, the URL's options and the role's settings.",
    "22P05": ENCODING,
    "22021": ENCODING,
}
"""By SQLSTATE: read only, insufficient privilege, invalid schema name, letters that the database's encoding lacks."""


def refusal_of(error: BaseException) -> str | None:
    """What the database said and what to do, if `error` or one that it came from is such a refusal."""
    found: BaseException | None = error
    while found is not None:
        driver = getattr(found, "orig", None)
        remedy = REMEDIES.get(getattr(driver, "pgcode", None) or "")
        if remedy is not None:
            return f"{str(driver).strip().splitlines()[0]}. {remedy}"
        found = found.__cause__
    return None


def refuse_read_only(connection: Connection) -> None:
    """Check that this connection may write; a standby may be a primary soon, and is waited for.

    Raises: StorageError if it never will.
    """
    statement = "SELECT current_setting('transaction_read_only') = 'on' AND NOT pg_is_in_recovery()"
    if connection.scalar(text(statement)):
        shown = mask(connection.engine.url.render_as_string())
        raise StorageError(f"{shown} cannot be worked with. {READ_ONLY}")
