"""`automl status`: where a search stands."""

from __future__ import annotations

import argparse

from automl.application.actions.study_status import look_up_status
from automl.cli.arguments import add_json, add_storage_options, add_study_name, open_command_context
from automl.cli.output import print_json
from automl.cli.printing.confirmation_output import print_confirmation_line
from automl.cli.printing.study_output import print_status


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print where a search stands; trials of vanished workers are found on the way."""
    with open_command_context(arguments) as context:
        status, confirmation = look_up_status(context, arguments.study)
    if arguments.json:
        print_json(status.as_dict() | {"confirmation": confirmation.as_dict() if confirmation else None})
        return
    print_status(status)
    if confirmation is not None:
        print_confirmation_line(confirmation)
