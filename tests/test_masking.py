"""No text shows a password, however its URL is spelled."""

from __future__ import annotations

import pytest

from automl.masking import mask, mask_keys, scrub, unquoted
from automl.settings import Settings
from automl.worker.outcomes import failed

SHOWN = {
    "postgresql://automl:hunter2@h/automl": "postgresql://automl:***@h/automl",
    "postgresql://automl:hun@ter2@h/automl": "postgresql://***",
    "postgresql://automl:hun@ter2/x@h/automl": "postgresql://***",
    "postgresql://automl:hun@ter2?x@h/automl": "postgresql://***",
    "postgresql://automl:hun:ter2/h#x?y@h/automl": "postgresql://automl:***@h/automl",
    "postgresql://me@server:hunter2@h/automl": "postgresql://me@server:***@h/automl",
    "postgresql://automl:hunter2": "postgresql://***",
    "postgresql://:hunter2@[::1]:5432/automl": "postgresql://:***@[::1]:5432/automl",
    "postgresql://automl:hunter2@a:1,b:2/automl": "postgresql://automl:***@a:1,b:2/automl",
    "postgresql://h/automl?user=me&password=hunter2": "postgresql://h/automl?user=me&password=***",
    "postgresql://h/automl?user=me&password=hun@ter2": "postgresql://h/automl?user=me&password=***",
    "postgresql://h/automl?sslmode=require&sslpassword=hunter2": "postgresql://h/automl?sslmode=require&sslpassword=***",
    "postgresql:/automl:hunter2@h/automl": "postgresql:***",
    "jdbc:postgresql://h/automl?user=automl&password=hunter2": "jdbc:postgresql://***",
    "host=h user=automl password=hunter2": "***",
    "automl:hunter2@h/automl": "***",
    "  'postgresql://automl:hunter2@h/automl' ": "postgresql://automl:***@h/automl",
    "sqlite:///optuna.db": "sqlite:///optuna.db",
}


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_shown_of_a_database_url(text: str) -> None:
    assert mask(text) == SHOWN[text]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("s3://bucket/searches", "s3://bucket/searches"),
        ("s3://AKIA:hun/ter2@bucket/searches", "s3://***@bucket/searches"),
        ("s3:/AKIA:hunter2@bucket", "s3://***@bucket"),
        ("s3://bucket/x?secret=hunter2", "s3://bucket/x?***"),
        ("http://minio:hunter2@localhost:9000", "http://***@localhost:9000"),
        ("/data/a@b:c", "/data/a@b:c"),
    ],
)
def test_what_is_shown_of_a_store(address: str, shown: str) -> None:
    assert mask_keys(address) == shown


def test_a_message_shows_no_password_of_a_url_in_it_and_keeps_what_we_say_of_urls() -> None:
    said = "unrecognized arguments: --storge=postgresql://a:hun@ter2@h/b password='hunter2' sslpassword=hunter2, x"
    shown = "unrecognized arguments: --storge=postgresql://a:***@h/b password=*** sslpassword=***, x"
    assert scrub(said) == shown
    form = "It reads: postgresql://USER:PASSWORD@HOST:5432/DATABASE."
    assert scrub(form) == form


def test_quotes_and_blanks_around_an_address_are_taken_off() -> None:
    assert unquoted(""" "'postgresql://h/a'" """) == "postgresql://h/a"
    settings = Settings({"AUTOML_STORAGE": " 'postgresql://h/a'", "AUTOML_ARTIFACTS": '"s3://b/c" '})
    assert (settings.get("AUTOML_STORAGE"), settings.get("AUTOML_ARTIFACTS")) == ("postgresql://h/a", "s3://b/c")
    assert Settings({"AUTOML_STORAGE": "''"}).get("AUTOML_STORAGE") is None


def test_settings_show_no_password() -> None:
    secrets = {
        "AUTOML_PASSWORD": "hunter2",
        "AUTOML_DASHBOARD_PASSWORD": "hunter2",
        "AUTOML_STORAGE": "host=h password=hunter2",
        "AUTOML_ARTIFACTS": "s3://key:hunter2@bucket",
        "AUTOML_DATA": "https://me:hunter2@h/x.zip",
    }
    assert "hunter2" not in repr(Settings(secrets))


def test_traceback_that_is_stored_with_a_trial_shows_no_password() -> None:
    try:
        int("postgresql://me:hunter2@h/mine")
    except ValueError as error:
        reason = failed(error).reason
    assert reason is not None
    assert reason.endswith("ValueError: invalid literal for int() with base 10: 'postgresql://me:***@h/mine'\n")
    assert "hunter2" not in reason


def test_what_is_hidden_already_keeps_the_text_behind_it() -> None:
    message = "Cannot reach postgresql://a@h/x?password=***: connection refused"
    assert scrub(message) == message
