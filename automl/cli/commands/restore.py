"""`automl restore`: reads a study back from a backup."""

from __future__ import annotations

import argparse

from automl.cli.arguments import add_consent, add_storage_options, open_command_context
from automl.cli.output import write_line
from automl.settings import expand_home
from automl.transfer.backups import restore


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", metavar="FILE", type=expand_home, help="the backup")
    parser.add_argument("--study", metavar="NEW", help="name to restore it under (its own)")
    add_consent(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Read one file."""
    with open_command_context(arguments) as context:
        moved = restore(
            arguments.file,
            context.database,
            name=arguments.study,
            artifacts=context.artifacts,
            model=arguments.model,
            space=arguments.space,
        )
        write_line(f"Study {moved.study} is restored, artifacts {context.artifacts.address}: {moved.describe()}.")
