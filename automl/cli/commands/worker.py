"""`automl worker`: a process that pulls trials until the budget is used."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from automl.application.context import CommandContext
from automl.application.signals import stop_on_signals
from automl.cli.arguments import (
    add_data_location,
    add_device,
    add_storage_options,
    add_study_name,
    open_command_context,
    whole_number,
)
from automl.cli.confirmation_output import print_choice
from automl.cli.output import print_stderr, write_line
from automl.cli.study_output import print_best
from automl.confirmation.confirmed import choose_best
from automl.queue.study_end import is_study_finished
from automl.results.best import find_best
from automl.results.trials import read_trial
from automl.settings import Settings
from automl.storage.retry import OutageRetry
from automl.study.record import StudyRecord
from automl.tracking.wandb_mode import choose_mode
from automl.tracking.wandb_runs import RunTracker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    add_data_location(parser)
    add_device(parser)
    parser.add_argument("--threads", type=whole_number, metavar="N", help="CPU threads of this process")
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Work until there is nothing left to do, or until told to end; the last worker prints what was found."""
    outage_seconds = Settings.read().whole_number("AUTOML_OUTAGE_SECONDS")
    with stop_on_signals(or_closed_input=arguments.attached) as stop_event:
        retry = OutageRetry(outage_seconds=outage_seconds, shutdown_requested=stop_event.is_set, warn=print_stderr)
        with open_command_context(arguments, retry=retry) as context:
            record = retry.retry_until_available(lambda: context.find_study(arguments.study))
            print_stderr(f"worker ends: {_work(arguments, context, record, stop_event, retry)}")
            if not arguments.attached:
                retry.retry_until_available(lambda: _print_best_if_over(context, record))


def _work(
    arguments: argparse.Namespace,
    context: CommandContext,
    record: StudyRecord,
    stop_event: threading.Event,
    retry: OutageRetry,
) -> str:
    from automl.queue.gpu_slots import claimed_device  # torch takes seconds to import
    from automl.worker.worker import Worker

    with claimed_device(
        arguments.device,
        context.database.engine,
        study_id=record.study_id,
        slots=context.settings.whole_number("AUTOML_WORKERS_PER_GPU"),
        retry=retry,
        stop_event=stop_event,
        log=print_stderr,
        grace_seconds=context.settings.grace_seconds(),
    ) as device:
        if device is None:
            return "it waited for a GPU until it was told to end, or the budget was used"
        environment = context.settings.values  # with `.env`: a key of wandb may be there
        tracker = RunTracker(
            folder=context.home,
            study=record.name,
            study_uid=record.uid,
            mode=choose_mode(environment),
            environment=environment,
            warn=print_stderr,
        )
        worker = Worker(
            context.database,
            record,
            home=context.home,
            artifacts=context.artifacts,
            tracker=tracker,
            write_model=lambda number, path: _write_model(context, record, number, path),
            stop_event=stop_event,
            data=arguments.data,
            device=device,
            threads=arguments.threads,
            outage_seconds=context.settings.whole_number("AUTOML_OUTAGE_SECONDS"),
            grace_seconds=context.settings.grace_seconds(),
            log=print_stderr,
        )
        return worker.run()


def _write_model(context: CommandContext, record: StudyRecord, number: int, path: Path) -> None:
    from automl.export.trial_model import write_untested_model

    with context.database.engine.connect() as connection:
        trial = read_trial(connection, record, number)
    write_untested_model(context.database, record, trial, path, artifacts=context.artifacts)


def _print_best_if_over(context: CommandContext, record: StudyRecord) -> None:
    with context.database.engine.connect() as connection:
        if not is_study_finished(connection, record.study_id):
            return
        if find_best(connection, record) is None:
            print_stderr(f"Study {record.name} is over, and no trial of it is complete.")
            return
        choice = choose_best(connection, record)
    print_best(choice.trial.study, record.specification.metric, choice.trial, model=record.specification.model)
    print_choice(choice)
    write_line(
        f"  export it: {context.settings.get('AUTOML_COMMAND')} best {record.name} --export model.pt", flush=True
    )
