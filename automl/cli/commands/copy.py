"""`automl copy`: copies a study with its artifacts into another database."""

from __future__ import annotations

import argparse

from automl.application.actions.study_copy import copy_to
from automl.cli.arguments import add_consent, add_storage_options, open_command_context
from automl.cli.output import write_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--to", required=True, metavar="URL", help="PostgreSQL URL of the other database")
    parser.add_argument(
        "--to-artifacts", metavar="DIR", help="folder or s3://BUCKET/PREFIX of the copy (a service's here: its own)"
    )
    add_consent(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Copy a study into another database."""
    with open_command_context(arguments) as context:
        copy = copy_to(
            context,
            arguments.study,
            arguments.to,
            artifacts=arguments.to_artifacts,
            model=arguments.model,
            space=arguments.space,
        )
    moved = copy.moved
    write_line(f"Study {moved.study} is copied to {copy.database}, artifacts {copy.artifacts}: {moved.describe()}.")
