"""`automl confirm`: trains the best recipes of a search again, and prints confirmed results."""

from __future__ import annotations

import argparse
import dataclasses

from automl.application.actions.confirmation_run import SEEDS, TOP, ConfirmationOptions, run_confirmation
from automl.application.live import choose_view
from automl.cli.arguments import (
    add_consent,
    add_data_location,
    add_json,
    add_storage_options,
    add_study_name,
    count_from_zero,
    duration,
    open_command_context,
    positive_number,
    whole_number,
)
from automl.cli.device_argument import add_device
from automl.cli.output import print_json, print_stderr
from automl.cli.printing.confirmation_table import print_confirmation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    parser.add_argument("--top", type=whole_number, default=TOP, metavar="N", help=f"different recipes ({TOP})")
    parser.add_argument("--seeds", type=whole_number, default=SEEDS, metavar="N", help=f"new seeds of each ({SEEDS})")
    parser.add_argument(
        "--epochs-factor",
        type=positive_number,
        metavar="F",
        help="so many times the epochs, the schedule stretched over them (1)",
    )
    parser.add_argument("--name", metavar="CONFIRMATION", help="name of the study that confirms (NAME-confirmed)")
    parser.add_argument(
        "--timeout", dest="seconds", type=duration, metavar="T", help="time of training in all: 600, 90s, 10m, 2h"
    )
    parser.add_argument(
        "--workers", type=count_from_zero, metavar="K", help="processes; 0 queues the trials for `automl worker`"
    )
    add_device(parser)
    add_data_location(parser)
    add_consent(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Queue what is missing, run the workers, print what they found."""
    names = [field.name for field in dataclasses.fields(ConfirmationOptions)]
    options = ConfirmationOptions(**{name: getattr(arguments, name) for name in names})
    with open_command_context(arguments) as context:
        result = run_confirmation(context, options, view=choose_view(print_stderr), log=print_stderr)
    if arguments.json:
        print_json(result.confirmation.as_dict())
    else:
        print_confirmation(result.confirmation, command=result.next_command)
