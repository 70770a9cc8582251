"""What `--storage` may say."""

from __future__ import annotations

import re

import pytest

from automl.errors import StorageError
from automl.storage.database_url import ENCODED, postgres_url

FORM = "is not a database URL. It reads: postgresql://USER:PASSWORD@HOST:5432/DATABASE."
SCHEMA = "is no option of PostgreSQL's client library (write options=-csearch_path%3DNAME for a schema)"
SSL = (
    "is no option of PostgreSQL's client library "
    "(it is called sslmode: disable, prefer, require, verify-ca or verify-full)"
)
UNUSED = "is no option of PostgreSQL's client library (leave it out)"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("jdbc:postgresql://h/a?password=hunter2", f"'jdbc:postgresql://***' {FORM} Leave `jdbc:` out."),
        ("host=h user=a password=hunter2", f"'***' {FORM} It does not read keyword=value, as psql takes it."),
        ("postgresql:/a:hunter2@h/a", f"'postgresql:***' {FORM} Two slashes stand before the user."),
        ("postgresql://a:hun@ter2@h/a", f"'postgresql://***' {FORM} {ENCODED}"),
        ("postgresql://a:hunter2", f"'postgresql://***' {FORM} {ENCODED}"),
        ("postgresql://h/a?schema=public", f"postgresql://h/a?schema=*** cannot be used: schema {SCHEMA}."),
        (
            "postgresql://u:hunter2@h/a?currentSchema=x&pgbouncer=true",
            "postgresql://u:***@h/a?currentSchema=***&pgbouncer=*** cannot be used: "
            f"currentSchema {SCHEMA}; pgbouncer {UNUSED}.",
        ),
        ("postgresql+asyncpg://h/a?ssl=disable", f"postgresql+asyncpg://h/a?ssl=*** cannot be used: ssl {SSL}."),
        (
            "postgresql://h/a?sslmode=require&sslmode=disable",
            "postgresql://h/a?sslmode=require&sslmode=disable cannot be used: sslmode may stand there once.",
        ),
    ],
)
def test_url_that_cannot_be_used_says_what_to_do_without_its_password(text: str, sentence: str) -> None:
    with pytest.raises(StorageError, match=f"^{re.escape(sentence)}$"):
        postgres_url(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("\"'postgresql://a:b@h/c'\" ", "postgresql+psycopg2://a:b@h/c"),
        ("postgres://a:b@h/c", "postgresql+psycopg2://a:b@h/c"),
        ("postgresql+asyncpg://a:b@h/c", "postgresql+psycopg2://a:b@h/c"),
        ("postgresql://a:b:/#?c@h/d", "postgresql+psycopg2://a:b%3A%2F%23%3Fc@h/d"),
        ("postgresql://h/d?user=a&password=b", "postgresql+psycopg2://h/d?password=b&user=a"),
        ("postgresql:///d?host=a:1&host=b:2", "postgresql+psycopg2:///d?host=a%3A1&host=b%3A2"),
        ("postgresql://h/d?options=-csearch_path%3Dx", "postgresql+psycopg2://h/d?options=-csearch_path%3Dx"),
    ],
)
def test_url_that_can_be_used(text: str, url: str) -> None:
    assert postgres_url(text) == url
