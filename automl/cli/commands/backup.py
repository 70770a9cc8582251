"""`automl backup`: writes a study with its artifacts into one file."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import write_line
from automl.errors import StudyError
from automl.own_files import refuse_foreign
from automl.settings import expand_home
from automl.transfer.backups import back_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument(
        "file", metavar="FILE", type=expand_home, help="a zip; one that is there is replaced when it is whole"
    )
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Write one file."""
    refuse_foreign(arguments.file, option="FILE")
    with open_command_context(arguments) as context:
        try:
            moved = back_up(context.database, arguments.study, arguments.file, artifacts=context.artifacts)
        except OSError as error:
            raise StudyError(
                f"Cannot write {arguments.file}: {error.strerror or error}. Choose another FILE."
            ) from error
    size = arguments.file.stat().st_size / 1e6
    write_line(f"Study {moved.study} is in {arguments.file} ({size:.1f} MB): {moved.describe()}.")
