"""`automl setup`: what has to be there before the workers of a service start, made from the environment."""

from __future__ import annotations

import argparse

from automl.application.context import CommandContext
from automl.application.plan import make_plan
from automl.application.search import prepare_study
from automl.application.search_options import SearchOptions
from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import print_stderr, write_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Create what is missing; on a second run nothing changes but a raised budget."""
    with open_command_context(arguments) as context:
        plan = make_plan(SearchOptions(), context.settings, home=context.home, on_progress=None)
        record = prepare_study(context, plan, log=print_stderr)
        _create_dashboard_role(context)
    write_line(f"Study {record.name} is ready. Budget: {record.budget_trials} finished trials in all.")


def _create_dashboard_role(context: CommandContext) -> None:
    password = context.settings.get("AUTOML_DASHBOARD_PASSWORD")
    if password is None:
        return
    from automl.storage.roles import DASHBOARD_ROLE, create_reader

    with context.database.engine.begin() as connection:
        create_reader(connection, DASHBOARD_ROLE, password=password)
    print_stderr(f"role   {DASHBOARD_ROLE}, which can only read")
