"""`automl worker`: a process that pulls trials until the budget is used."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import Any

from automl.application.signals import told_to_end_by_signals
from automl.cli.answers import print_best
from automl.cli.confirm_answers import print_choice
from automl.cli.options import Place, add_storage_options, add_study_name, opened_place, whole_number
from automl.cli.terminal import tell, write_line
from automl.confirmation.confirmed import choose_best
from automl.results.results import find_best, read_trial
from automl.settings import Settings
from automl.storage.database import Patience
from automl.study.study import StudyRecord
from automl.tracking.wandb_mode import choose_mode
from automl.tracking.wandb_runs import RunTracker


def add_commands(commands: Any) -> None:
    """`automl worker`."""
    parser = commands.add_parser("worker", help="pull and run trials of a study until its budget is used")
    add_study_name(parser)
    parser.add_argument("--data", metavar="D", help="where the study's data lie on this machine, if elsewhere")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")
    parser.add_argument("--threads", type=whole_number, metavar="N", help="CPU threads of this process")
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    add_storage_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Work until there is nothing left to do, or until told to end; the last worker prints what was found."""
    from automl.storage.optuna_storage import Connectivity  # it imports Optuna, which takes 0.3 s

    outage_seconds = Settings.read().whole_number("AUTOML_OUTAGE_SECONDS")
    with told_to_end_by_signals(or_closed_input=arguments.attached) as told:
        patience = Connectivity(outage_seconds=outage_seconds, told_to_end=told.is_set, warn=tell)
        with opened_place(arguments, patience=patience) as place:
            record = patience.ride_out(lambda: place.record(arguments.study))
            tell(f"worker ends: {_work(arguments, place, record, told, patience)}")
            if not arguments.attached:
                patience.ride_out(lambda: _print_best_if_over(place, record))


def _work(
    arguments: argparse.Namespace, place: Place, record: StudyRecord, told: threading.Event, patience: Patience
) -> str:
    from automl.queue.gpu_slots import claimed_device  # torch takes seconds to import
    from automl.worker.worker import Worker

    with claimed_device(
        arguments.device,
        place.database.engine,
        study_id=record.study_id,
        slots=place.settings.whole_number("AUTOML_WORKERS_PER_GPU"),
        patience=patience,
        told_to_end=told,
        say=tell,
        grace_seconds=place.settings.grace_seconds(),
    ) as device:
        if device is None:
            return "it waited for a GPU until it was told to end, or the budget was used"
        environment = place.settings.values  # with `.env`: a key of wandb may be there
        tracker = RunTracker(
            folder=place.home,
            study=record.name,
            study_uid=record.uid,
            mode=choose_mode(environment),
            environment=environment,
            warn=tell,
        )
        worker = Worker(
            place.database,
            record,
            home=place.home,
            artifacts=place.artifacts,
            tracker=tracker,
            write_model=lambda number, path: _write_model(place, record, number, path),
            told_to_end=told,
            data=arguments.data,
            device=device,
            threads=arguments.threads,
            outage_seconds=place.settings.whole_number("AUTOML_OUTAGE_SECONDS"),
            grace_seconds=place.settings.grace_seconds(),
            say=tell,
        )
        return worker.run()


def _write_model(place: Place, record: StudyRecord, number: int, path: Path) -> None:
    from automl.export.trial_model import write_untested_model

    with place.database.engine.connect() as connection:
        trial = read_trial(connection, record, number)
    write_untested_model(place.database, record, trial, path, artifacts=place.artifacts)


def _print_best_if_over(place: Place, record: StudyRecord) -> None:
    from automl.queue.study_end import is_over

    with place.database.engine.connect() as connection:
        if not is_over(connection, record.study_id):
            return
        if find_best(connection, record) is None:
            tell(f"Study {record.name} is over, and no trial of it is complete.")
            return
        choice = choose_best(connection, record)
    print_best(choice.trial.study, record.specification.metric, choice.trial, model=record.specification.model)
    print_choice(choice)
    write_line(f"  export it: {place.settings.get('AUTOML_COMMAND')} best {record.name} --export model.pt", flush=True)
