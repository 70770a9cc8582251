"""`automl stop`: asks the workers of a study to requeue their trials and end."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_storage_options, add_study_name, open_command_context
from automl.cli.output import write_line
from automl.study.stopping import request_stop


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Ask the workers to end; returns at once."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        with context.database.engine.begin() as connection:
            workers = request_stop(connection, record, grace_seconds=context.settings.grace_seconds())
    write_line(
        f"Study {record.name} was asked to stop: {workers} workers requeue their trials within seconds. "
        "The command that began it continues it."
    )
