"""`automl worker`: a process that pulls trials until the budget is used."""

from __future__ import annotations

import argparse
import dataclasses

from automl.application.signals import stop_on_signals
from automl.cli.arguments import add_consent, add_data_location, add_storage_options, add_study_name, whole_number
from automl.cli.device_argument import add_device
from automl.cli.output import print_stderr, write_line
from automl.cli.printing.confirmation_output import print_choice
from automl.cli.printing.study_output import print_best
from automl.confirmation.confirmed import RecommendedTrial
from automl.study.record import StudyRecord


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    add_data_location(parser)
    add_consent(parser)
    add_device(parser)
    parser.add_argument(
        "--threads", type=whole_number, metavar="N", help="CPU threads of this process (measured at each trial)"
    )
    parser.add_argument("--share", type=whole_number, help=argparse.SUPPRESS)
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Work until there is nothing left to do, or until asked to stop; the last worker prints what was found."""
    with stop_on_signals(or_closed_input=arguments.attached) as stop_event:
        # torch takes seconds to import, and a signal in them is heard, too
        from automl.application.worker_process import WorkerOptions, run_worker

        names = [field.name for field in dataclasses.fields(WorkerOptions)]
        options = WorkerOptions(**{name: getattr(arguments, name) for name in names})
        finished = run_worker(options, stop_event=stop_event, log=print_stderr)
    if finished is not None:
        _print_finished(*finished)


def _print_finished(record: StudyRecord, best: RecommendedTrial | None, export_command: str) -> None:
    if best is None:
        print_stderr(f"Study {record.name} is over, and no trial of it is complete.")
        return
    print_best(best.trial.study, record.specification.metric, best.trial, model=record.specification.model)
    print_choice(best)
    write_line(f"  export it: {export_command}", flush=True)
