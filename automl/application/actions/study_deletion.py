"""A study is deleted with all that belongs to it."""

from __future__ import annotations

import shutil

from automl.application.command_context import CommandContext
from automl.confirmation.confirmed import Confirmation, find_confirmation
from automl.results.status import read_status
from automl.study.deletion import delete_study
from automl.study.record import StudyRecord
from automl.tracking.wandb_files import delete_runs


def count_finished(context: CommandContext, record: StudyRecord) -> int:
    """Number of the study's finished trials."""
    with context.database.engine.connect() as connection:
        return read_status(connection, record).finished


def delete_with_files(context: CommandContext, record: StudyRecord) -> Confirmation | None:
    """Delete the study, its artifacts, and its logs and wandb files on this machine.

    Returns the confirmation of the study, which stays, if it has one.
    """
    with context.database.engine.connect() as connection:
        confirmation = find_confirmation(connection, record)
    delete_study(context.database, record, artifacts=context.artifacts)
    logs = context.home / "logs" / record.uid
    if logs.exists():
        shutil.rmtree(logs)
    delete_runs(context.home, study_uid=record.uid)
    return None if confirmation is None or confirmation.record.name == record.name else confirmation
