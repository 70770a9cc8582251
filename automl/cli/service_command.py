"""`automl setup`: what has to be there before the workers of a service start, made from the environment."""

from __future__ import annotations

import argparse
from typing import Any

from automl.application.planning import Wishes, make_plan
from automl.cli.options import Place, add_storage_options, opened_place
from automl.cli.search_command import prepare_study
from automl.cli.terminal import tell, write_line


def add_commands(commands: Any) -> None:
    """`automl setup`."""
    parser = commands.add_parser("setup", help="for a service: tables, roles and the study that the environment names")
    add_storage_options(parser)
    parser.set_defaults(run=setup)


def setup(arguments: argparse.Namespace) -> None:
    """Create what is missing; on a second run nothing changes but a raised budget."""
    with opened_place(arguments) as place:
        plan = make_plan(Wishes(), place.settings, home=place.home, on_progress=None)
        record = prepare_study(place, plan, say=tell)
        _create_dashboard_role(place)
    write_line(f"Study {record.name} is ready. Budget: {record.budget_trials} finished trials in all.")


def _create_dashboard_role(place: Place) -> None:
    password = place.settings.get("AUTOML_DASHBOARD_PASSWORD")
    if password is None:
        return
    from automl.storage.roles import DASHBOARD_ROLE, create_reader

    with place.database.engine.begin() as connection:
        create_reader(connection, DASHBOARD_ROLE, password=password)
    tell(f"role   {DASHBOARD_ROLE}, which can only read")
