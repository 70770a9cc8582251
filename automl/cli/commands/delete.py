"""`automl delete`: deletes a study with all that belongs to it, after a question."""

from __future__ import annotations

import argparse
import shutil
import sys

from automl.application.context import CommandContext
from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import write_line
from automl.confirmation.confirmed import find_confirmation
from automl.errors import StudyError
from automl.results.status import read_status
from automl.study.record import StudyRecord
from automl.tracking.wandb_files import delete_runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Delete a study after a question."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        if not arguments.yes and not _is_confirmed(context, record):
            raise StudyError(f"Nothing was deleted. To delete without a question: automl delete {record.name} --yes")
        with context.database.engine.connect() as connection:
            confirmation = find_confirmation(connection, record)
        from automl.study.deletion import delete_study  # Optuna takes 0.3 s to import

        delete_study(context.database, record, artifacts=context.artifacts)
        logs = context.home / "logs" / record.uid
        if logs.exists():
            shutil.rmtree(logs)
        delete_runs(context.home, study_uid=record.uid)
    write_line(f"Study {record.name} and its artifacts are deleted.")
    if confirmation is not None and confirmation.record.name != record.name:
        left = confirmation.record.name
        write_line(f"What confirms it, study {left}, stays; delete it with: automl delete {left}")


def _is_confirmed(context: CommandContext, record: StudyRecord) -> bool:
    with context.database.engine.connect() as connection:
        finished = read_status(connection, record).finished
    sys.stderr.write(
        f"Delete study {record.name} with {finished} finished trials, their weights, checkpoints and logs? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
