"""`automl create`: makes a study, or raises its budget, without running it."""

from __future__ import annotations

import argparse

from automl.application.live import decoding_progress
from automl.application.plan import make_plan
from automl.application.search import prepare_study
from automl.cli.arguments import add_json, add_storage_options, open_command_context
from automl.cli.output import print_json, print_stderr, write_line
from automl.cli.search_arguments import add_search_arguments, search_options
from automl.errors import SettingsError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "study", nargs="?", metavar="NAME", help="study (AUTOML_STUDY, else from data, space and metric)"
    )
    add_search_arguments(parser)
    parser.add_argument(
        "--from", dest="source", metavar="OLD", help="carry over OLD's finished trials that fit this space"
    )
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Create or continue a study without running it."""
    with open_command_context(arguments) as context:
        with decoding_progress() as on_progress:
            plan = make_plan(search_options(arguments), context.settings, home=context.home, on_progress=on_progress)
        source = context.find_study(arguments.source) if arguments.source else None
        if source is not None and plan.specification.is_exhaustive:
            raise SettingsError(
                "--from and the sampler grid do not go together: a grid tries every combination once, those of "
                f"{source.name} too. Leave out --from, or choose another --sampler."
            )
        record = prepare_study(context, plan, log=print_stderr)
        if source is not None:
            from automl.transfer.warm_start import import_trials  # Optuna takes 0.3 s to import

            found = import_trials(context.database, source, record, artifacts=context.artifacts)
            print_stderr(
                f"       {found.imported} finished trials carried over from {source.name}; {found.left} do not fit"
            )
        if arguments.json:
            print_json(
                {"study": record.name, "budget_trials": record.budget_trials, "budget_seconds": record.budget_seconds}
            )
        else:
            write_line(f"Study {record.name} is ready. Run it with: automl worker {record.name}")
