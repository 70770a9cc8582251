"""`automl worker`: a process that pulls trials until the budget is used."""

from __future__ import annotations

import argparse
import os
from typing import Any

from automl.cli.options import (
    add_storage_options,
    add_study_name,
    count_from_zero,
    opened_place,
    tell,
    whole_number,
)
from automl.search.signals import told_to_end_by_signals
from automl.tracking.wandb_mode import choose_mode
from automl.tracking.wandb_runs import RunTracker


def add_commands(commands: Any) -> None:
    """`automl worker`."""
    parser = commands.add_parser("worker", help="pull and run trials of a study until its budget is used")
    add_study_name(parser)
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")
    parser.add_argument("--threads", type=whole_number, metavar="N", help="CPU threads of this process")
    parser.add_argument("--index", type=count_from_zero, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    add_storage_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Work until there is nothing left to do, or until told to end."""
    with told_to_end_by_signals(or_closed_input=arguments.attached) as told, opened_place(arguments) as place:
        record = place.record(arguments.study)
        tracker = RunTracker(
            folder=place.home, study=record.name, mode=choose_mode(os.environ), environment=os.environ, warn=tell
        )
        from automl.search.worker import Worker  # torch and Optuna take seconds to import

        worker = Worker(
            place.database,
            record,
            home=place.home,
            artifacts=place.artifacts,
            tracker=tracker,
            told_to_end=told,
            data=arguments.data,
            device=arguments.device,
            index=arguments.index,
            threads=arguments.threads,
            say=tell,
        )
        tell(f"worker ends: {worker.run()}")
