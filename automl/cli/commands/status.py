"""`automl status`: where a search stands."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_json, add_storage_options, add_study_name, open_command_context
from automl.cli.confirmation_output import print_confirmation_line
from automl.cli.output import print_json
from automl.cli.study_output import print_status
from automl.confirmation.confirmed import find_confirmation
from automl.queue.recovery import recover_lost
from automl.results.status import read_status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print where a search stands; trials of vanished workers are found on the way."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        grace_seconds = context.settings.grace_seconds()
        with context.database.engine.begin() as connection:
            recover_lost(
                connection, study_id=record.study_id, reached_seconds=float("inf"), grace_seconds=grace_seconds
            )
            status = read_status(connection, record, grace_seconds=grace_seconds)
            confirmation = find_confirmation(connection, record)
    if arguments.json:
        print_json(status.as_dict() | {"confirmation": confirmation.as_dict() if confirmation else None})
        return
    print_status(status)
    if confirmation is not None:
        print_confirmation_line(confirmation)
