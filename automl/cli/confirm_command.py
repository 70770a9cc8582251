"""`automl confirm`: trains the best recipes of a search again, and says what they are worth without luck."""

from __future__ import annotations

import argparse
from typing import Any

from automl.application.signals import told_to_end_by_signals
from automl.cli.confirm_answers import print_confirmation
from automl.cli.live import choose_view
from automl.cli.options import (
    Place,
    add_json,
    add_storage_options,
    add_study_name,
    count_from_zero,
    duration,
    opened_place,
    positive_number,
    whole_number,
)
from automl.cli.search_command import default_workers, run_workers
from automl.cli.terminal import print_json, tell
from automl.confirmation.confirmed import Confirmation, confirmed_study, read_confirmation
from automl.results.results import StudyStatus, read_status
from automl.study.study import StudyRecord

TOP, SEEDS = 5, 3


def add_commands(commands: Any) -> None:
    """`automl confirm`."""
    parser = commands.add_parser(
        "confirm", help="train the best recipes again with new seeds, and say whether the first really beats the second"
    )
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
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Queue what is missing, run the workers, print what they found."""
    with opened_place(arguments) as place:
        record = _prepared(arguments, place)
        if arguments.workers != 0:
            _run_workers(arguments, place, record)
        with place.database.engine.connect() as connection:
            found = read_confirmation(connection, record)
            status = read_status(connection, record)
    if arguments.json:
        print_json(found.as_dict())
    else:
        print_confirmation(found, command=_how_to_go_on(arguments, place, found, status))


def _prepared(arguments: argparse.Namespace, place: Place) -> StudyRecord:
    """The study that confirms, with all its trials queued."""
    from automl.confirmation.preparing import prepare_confirmation  # Optuna takes 0.3 s to import

    named = place.record(arguments.study)
    with place.database.engine.connect() as connection:
        search = confirmed_study(connection, named)
    again = None if named == search else named.name  # a confirmation was named: it goes on
    return prepare_confirmation(
        place.database,
        search,
        name=arguments.name or again,
        top=arguments.top,
        seeds=arguments.seeds,
        epochs_factor=arguments.epochs_factor,
        seconds=arguments.timeout,
    )


def _run_workers(arguments: argparse.Namespace, place: Place, record: StudyRecord) -> None:
    with place.database.engine.connect() as connection:
        status = read_status(connection, record)
    left = (status.budget_trials or 0) - status.finished
    tell(f"study  {record.name}: {left} trials to train")
    if not left:
        return
    options = ["--device", arguments.device, *(("--data", arguments.data) if arguments.data else ())]
    workers = min(left, arguments.workers or default_workers())
    view = choose_view()
    with told_to_end_by_signals() as told, view:
        run_workers(place, record, view=view, told=told, workers=workers, options=options)


def _how_to_go_on(arguments: argparse.Namespace, place: Place, found: Confirmation, status: StudyStatus) -> str:
    command = place.settings.get("AUTOML_COMMAND")
    if found.is_over:
        return f"{command} best {found.confirms.study} --export model.pt"
    # Out of time, or stopped, a worker would end at once.
    again = f"{command} confirm {found.record.name} --top {arguments.top} --seeds {arguments.seeds}"
    if status.budget_seconds is not None and status.active_seconds >= status.budget_seconds:
        return f"{again} --timeout LONGER"
    if status.stop_requested:
        return again
    return f"{command} worker {found.record.name}"
