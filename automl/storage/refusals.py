"""What a database that answers does not let this connection do, as a sentence with what to do about it."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

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
STANDBY = "The server is a standby, which only reads. Give the URL of the primary."
DISK_FULL = "The disk of the database is full. Free some space there; what was reported before is safe."
NO_SPACE = ("No space left on device", "Disk quota exceeded")
"""What a server on a full disk says to who connects, without an SQLSTATE."""
REMEDIES = {
    "25006": READ_ONLY,
    "53100": DISK_FULL,
    "42501": "Give the URL of a role that may do this, such as the one that made the studies.",
    "3F000": "Its search_path names no schema that is there: see PGOPTIONS, the URL's options and the role's settings.",
    "22P05": ENCODING,
    "22021": ENCODING,
}
"""By SQLSTATE: read only, disk full, insufficient privilege, invalid schema name, letters unknown to the encoding."""


def refusal_of(error: BaseException, *, engine: Engine | None = None) -> str | None:
    """What the database said and what to do, if `error` or one that it came from is such a refusal.

    `engine`: asks the database whether it is a standby.
    """
    found: BaseException | None = error
    while found is not None:
        driver = getattr(found, "orig", None)
        if (remedy := _remedy(driver)) is not None:
            if remedy == READ_ONLY and engine is not None and _is_standby(engine):
                remedy = STANDBY
            return f"{str(driver).strip().splitlines()[0]}. {remedy}"
        found = found.__cause__
    return None


def trouble_of(error: BaseException) -> str:
    """Why the database cannot be used now, in some words: also a full disk and a standby may pass."""
    refusal = refusal_of(error) or ""
    if refusal.endswith(DISK_FULL):
        return "The disk of the database is full"
    return (
        "The database only reads, as a standby does" if refusal.endswith(READ_ONLY) else "The database does not answer"
    )


def _remedy(driver: object) -> str | None:
    if any(words in str(driver) for words in NO_SPACE):
        return DISK_FULL
    return REMEDIES.get(getattr(driver, "pgcode", None) or "")


def _is_standby(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT pg_is_in_recovery()")))
    except DBAPIError:
        return False  # it is away by now: the error that was there is told


def refuse_read_only(connection: Connection) -> None:
    """Check that this connection may write; a standby may be a primary soon, and is waited for.

    Raises: StorageError if it never will.
    """
    statement = "SELECT current_setting('transaction_read_only') = 'on' AND NOT pg_is_in_recovery()"
    if connection.scalar(text(statement)):
        shown = mask(connection.engine.url.render_as_string())
        raise StorageError(f"{shown} cannot be worked with. {READ_ONLY}")
