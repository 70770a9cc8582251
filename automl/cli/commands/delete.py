"""`automl delete`: deletes a study with all that belongs to it, after a question."""

from __future__ import annotations

import argparse
import sys

from automl.application.actions.study_deletion import count_finished, delete_with_files
from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import write_line
from automl.errors import StudyError
from automl.sanitize import shell_word


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Delete a study after a question."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        if not arguments.yes and not _is_confirmed(record.name, finished=count_finished(context, record)):
            raise StudyError(
                f"Nothing was deleted. To delete without a question: automl delete {shell_word(record.name)} --yes"
            )
        confirmation = delete_with_files(context, record)
    write_line(f"Study {record.name} and its artifacts are deleted.")
    if confirmation is not None:
        left = confirmation.record.name
        write_line(f"What confirms it, study {left}, stays; delete it with: automl delete {shell_word(left)}")


def _is_confirmed(study: str, *, finished: int) -> bool:
    sys.stderr.write(
        f"Delete study {study} with {finished} finished trials, their weights, checkpoints and logs? [y/N] "
    )
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
