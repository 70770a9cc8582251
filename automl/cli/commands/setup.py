"""`automl setup`: what has to be there before the workers of a service start, made from the environment."""

from __future__ import annotations

import argparse

from automl.application.actions.study_creation import set_up_service
from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import print_stderr, write_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Create what is missing; on a second run nothing changes but a raised budget."""
    with open_command_context(arguments) as context:
        record = set_up_service(context, log=print_stderr)
    write_line(f"Study {record.name} is ready. Budget: {record.budget_trials} finished trials in all.")
