"""What `--storage`, AUTOML_STORAGE and `--to` say, as a URL for psycopg2; no message shows more of it than it may."""

from __future__ import annotations

import re

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from automl.errors import StorageError
from automl.masking import is_clear, mask, unquoted

FORM = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
ENCODED = "In a user or password, write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25."
SCHEMA = "write options=-csearch_path%3DNAME for a schema"
SSL = "it is called sslmode: disable, prefer, require, verify-ca or verify-full"
INSTEAD = {
    "schema": SCHEMA,
    "currentschema": SCHEMA,
    "search_path": SCHEMA,
    "ssl": SSL,
    "ssl_mode": SSL,
    "usessl": SSL,
    "timeout": "it is called connect_timeout, in seconds",
    "username": "it is called user",
    "database": "it is called dbname",
}
"""What to do about options of other clients, by their names in small letters; all others: leave them out."""
REPEATED = ("host", "port")
"""Options that may stand several times: a host each."""


def postgres_url(text: str) -> str:
    """`text` as a URL for psycopg2, without the quotes and blanks around it.

    Raises: StorageError if it is not a PostgreSQL URL, or has options that libpq does not know.
    """
    text = unquoted(text)
    url = _parsed(text)
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise StorageError(
            f"{mask(text)} is not PostgreSQL: locks, budgets and crash recovery rest on PostgreSQL alone. "
            f"Leave --storage out for the embedded one, or give {FORM}."
        )
    _check_options(text, url)
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def _parsed(text: str) -> URL:
    try:
        url: URL = make_url(text)
    except (ArgumentError, ValueError) as error:  # ValueError: a port or an address in brackets that is none
        raise _no_url(text) from error
    if not is_clear(text) or "?" in (url.username or ""):
        raise _no_url(text)
    return url


def _no_url(text: str) -> StorageError:
    return StorageError(f"{mask(text)!r} is not a database URL. It reads: {FORM}. {_hint(text)}")


def _hint(text: str) -> str:
    if text.startswith("jdbc:"):
        return "Leave `jdbc:` out."
    if re.match(r"\w+\s*=", text):
        return "It does not read keyword=value, as psql takes it."
    return ENCODED if "://" in text else "Two slashes stand before the user."


def _check_options(text: str, url: URL) -> None:
    unknown = [name for name in url.query if not _is_known(name)]
    twice = [name for name, value in url.query.items() if not isinstance(value, str) and name not in REPEATED]
    problems = [f"{name} is no option of PostgreSQL's client library ({_instead(name)})" for name in unknown]
    problems += [f"{name} may stand there once" for name in twice if name not in unknown]
    if problems:
        raise StorageError(f"{mask(text)} cannot be used: {'; '.join(problems)}.")


def _instead(name: str) -> str:
    return INSTEAD.get(name.lower(), "leave it out")


def _is_known(name: str) -> bool:
    """Whether libpq, in the version that is installed, has an option of this name."""
    try:
        parse_dsn(f"{name}=x")
    except ProgrammingError:
        return False
    return True
