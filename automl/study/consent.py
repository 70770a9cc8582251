"""Consent to code that a study names: a network and a space of the user's own.

A study that a command made here names what its author wrote on the command line. One that came from a backup or another
database names whatever is in it, and code is not imported on its word. A person gives the same names again, once, and
that is kept with the study. It never comes along when a study moves.
"""

from __future__ import annotations

import json
import shlex

from sqlalchemy import text
from sqlalchemy.engine import Connection

from automl.errors import StudyError
from automl.storage.attributes import CONSENT_ATTRIBUTE
from automl.study.record import StudyRecord, find_study
from automl.study.specification import Specification


def trusted_model(record: StudyRecord) -> str | None:
    """`package.module:build` of the study's network, which may be imported; None: automl's own family.

    Raises: StudyError without consent.
    """
    model = record.specification.model
    _check(record, {"--model": model})
    return model


def check_consent(record: StudyRecord) -> None:
    """See that all code may be imported which the study's trials need.

    Raises: StudyError without consent.
    """
    _check(record, _named(record.specification))


def missing_consent(specification: Specification, consented: frozenset[str]) -> str:
    """Options that name the code which nobody consented to, as a shell takes them; empty: there is none."""
    return _options({key: value for key, value in _named(specification).items() if value not in consented})


def agreed(specification: Specification, *, study: str, model: str | None, space: str | None) -> frozenset[str]:
    """Which of the study's code a command names.

    Raises: StudyError if it names other code than the study.
    """
    given = {key: value for key, value in (("--model", model), ("--space", space)) if value is not None}
    needed = _named(specification)
    for key, value in given.items():
        if needed.get(key) != value:
            raise StudyError(
                f"Study {study} has {key} {needed[key]}, and {value} was given. Give the same, if you trust it."
                if needed.get(key)
                else f"Study {study} imports no {key} of the user's own. Leave {key} {value} out."
            )
    return frozenset(given.values())


def give_consent(connection: Connection, record: StudyRecord, *, model: str | None, space: str | None) -> StudyRecord:
    """Keep with the study that this code of its may be imported; the record with it.

    Raises: StudyError if the study names other code.
    """
    given = agreed(record.specification, study=record.name, model=model, space=space)
    if given <= record.consented:
        return record
    connection.execute(
        text(
            "INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (:study_id, :key, :value)"
            " ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json"
        ),
        {
            "study_id": record.study_id,
            "key": CONSENT_ATTRIBUTE,
            "value": json.dumps(sorted(record.consented | given)),
        },
    )
    return find_study(connection, record.name)


def _named(specification: Specification) -> dict[str, str]:
    """Code that the study's trials import, by the option that names it."""
    named = {"--model": specification.model, "--space": specification.space.function}
    return {key: value for key, value in named.items() if value}


def _check(record: StudyRecord, named: dict[str, str] | dict[str, str | None]) -> None:
    missing = {key: value for key, value in named.items() if value and value not in record.consented}
    if missing:
        raise StudyError(
            f"Study {record.name} came from a backup or another database, and asks to import "
            f"{' and '.join(missing.values())}: code is not in a study, and not imported on its word. "
            f"If you trust it, repeat the command with {_options(missing)}"
        )


def _options(named: dict[str, str]) -> str:
    return " ".join(f"{key} {shlex.quote(value)}" for key, value in named.items())
