"""The state of a study, once vanished workers are accounted for."""

from __future__ import annotations

from automl.application.command_context import CommandContext
from automl.confirmation.confirmed import Confirmation, find_confirmation
from automl.queue.recovery import recover_lost
from automl.results.status import StudyStatus, read_status


def look_up_status(context: CommandContext, name: str | None) -> tuple[StudyStatus, Confirmation | None]:
    """Status of the study `name` and its confirmation, if it has one; trials of vanished workers are requeued first.

    Raises: StudyError if there is no such study.
    """
    record = context.find_study(name)
    grace_seconds = context.settings.grace_seconds()
    with context.database.engine.begin() as connection:
        recover_lost(connection, study_id=record.study_id, reached_seconds=float("inf"), grace_seconds=grace_seconds)
        return read_status(connection, record, grace_seconds=grace_seconds), find_confirmation(connection, record)
