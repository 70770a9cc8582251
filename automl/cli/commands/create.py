"""`automl create`: makes a study, or raises its budget, without running it."""

from __future__ import annotations

import argparse

from automl.application.actions.study_creation import create_study
from automl.cli.arguments import add_json, add_storage_options, open_command_context
from automl.cli.output import print_json, print_stderr, write_line
from automl.cli.search_arguments import add_search_arguments, search_options
from automl.sanitize import shell_word


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "study", nargs="?", metavar="NAME", help="study (AUTOML_STUDY, else from data, space and metric)"
    )
    add_search_arguments(parser)
    parser.add_argument("--from", dest="source", metavar="OLD", help="import OLD's finished trials that fit this space")
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Create or continue a study without running it."""
    with open_command_context(arguments) as context:
        options = search_options(arguments)
        record = create_study(context, options, warm_start_from=arguments.source, log=print_stderr)
    if arguments.json:
        print_json(
            {"study": record.name, "budget_trials": record.budget_trials, "budget_seconds": record.budget_seconds}
        )
    else:
        write_line(f"Study {record.name} is ready. Run it with: automl worker {shell_word(record.name)}")
