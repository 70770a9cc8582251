"""`automl confirm`: trains the best recipes of a search again, and says what they are worth without luck."""

from __future__ import annotations

import argparse

from automl.application.context import CommandContext
from automl.application.live import choose_view
from automl.application.signals import stop_on_signals
from automl.application.workers import default_workers, run_workers
from automl.cli.arguments import (
    add_data_location,
    add_device,
    add_json,
    add_storage_options,
    add_study_name,
    count_from_zero,
    duration,
    open_command_context,
    positive_number,
    whole_number,
)
from automl.cli.confirmation_output import print_confirmation
from automl.cli.output import print_json, print_stderr
from automl.confirmation.confirmed import Confirmation, confirmed_study, read_confirmation
from automl.results.status import StudyStatus, read_status
from automl.study.record import StudyRecord

TOP, SEEDS = 5, 3


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
    parser.add_argument("--timeout", type=duration, metavar="T", help="time of training in all: 600, 90s, 10m, 2h")
    parser.add_argument(
        "--workers", type=count_from_zero, metavar="K", help="processes; 0 queues the trials for `automl worker`"
    )
    add_device(parser)
    add_data_location(parser)
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Queue what is missing, run the workers, print what they found."""
    with open_command_context(arguments) as context:
        record = _prepared(arguments, context)
        if arguments.workers != 0:
            _run_workers(arguments, context, record)
        with context.database.engine.connect() as connection:
            found = read_confirmation(connection, record)
            status = read_status(connection, record)
    if arguments.json:
        print_json(found.as_dict())
    else:
        print_confirmation(found, command=_how_to_go_on(arguments, context, found, status))


def _prepared(arguments: argparse.Namespace, context: CommandContext) -> StudyRecord:
    """The study that confirms, with all its trials queued."""
    from automl.confirmation.preparing import prepare_confirmation  # Optuna takes 0.3 s to import

    named = context.find_study(arguments.study)
    with context.database.engine.connect() as connection:
        search = confirmed_study(connection, named)
    again = None if named == search else named.name  # a confirmation was named: it goes on
    return prepare_confirmation(
        context.database,
        search,
        name=arguments.name or again,
        top=arguments.top,
        seeds=arguments.seeds,
        epochs_factor=arguments.epochs_factor,
        seconds=arguments.timeout,
    )


def _run_workers(arguments: argparse.Namespace, context: CommandContext, record: StudyRecord) -> None:
    with context.database.engine.connect() as connection:
        status = read_status(connection, record)
    left = (status.budget_trials or 0) - status.finished
    print_stderr(f"study  {record.name}: {left} trials to train")
    if not left:
        return
    options = ["--device", arguments.device, *(("--data", arguments.data) if arguments.data else ())]
    workers = min(left, arguments.workers or default_workers())
    view = choose_view(print_stderr)
    with stop_on_signals() as stop_event, view:
        run_workers(context, record, view=view, stop_event=stop_event, workers=workers, options=options)


def _how_to_go_on(
    arguments: argparse.Namespace, context: CommandContext, found: Confirmation, status: StudyStatus
) -> str:
    command = context.settings.get("AUTOML_COMMAND")
    if found.is_over:
        return f"{command} best {found.confirms.study} --export model.pt"
    # Out of time, or stopped, a worker would end at once.
    again = f"{command} confirm {found.record.name} --top {arguments.top} --seeds {arguments.seeds}"
    if status.budget_seconds is not None and status.active_seconds >= status.budget_seconds:
        return f"{again} --timeout LONGER"
    if status.stop_requested:
        return again
    return f"{command} worker {found.record.name}"
