"""`automl studies`: all studies of this storage."""

from __future__ import annotations

import argparse
import dataclasses

from automl.cli.arguments import add_json, add_storage_options, open_command_context
from automl.cli.output import print_json, print_stderr
from automl.cli.printing.trial_tables import print_studies
from automl.results.studies import list_studies
from automl.storage.schema import has_schema
from automl.study.record import describe_lost, lost_studies


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print one line a study."""
    with open_command_context(arguments) as context, context.database.engine.connect() as connection:
        found = list_studies(connection) if has_schema(connection) else []
        for name in lost_studies(connection):
            print_stderr(f"automl: {describe_lost(name)}")
    if arguments.json:
        print_json([dataclasses.asdict(summary) for summary in found])
    else:
        print_studies(found)
