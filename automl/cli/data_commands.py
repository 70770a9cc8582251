"""Commands that look before a search, and at it: space, dashboard."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from automl.cli.options import add_json, add_storage_options, add_study_name, opened_place, port
from automl.cli.terminal import print_json, print_table, tell, write_line
from automl.errors import SettingsError

PORT = 8080


def add_commands(commands: Any) -> None:
    """Every command of this module."""
    parser = commands.add_parser("space", help="how a search space file was understood")
    parser.add_argument("file", metavar="FILE", help="a YAML file, or a shipped name: default, quick, fer2013")
    parser.add_argument(
        "--as", dest="form", choices=("table", "yaml"), default="table", help="a table, or our own YAML"
    )
    parser.add_argument(
        "--ignore-unknown", action="store_true", help="leave unknown parameters out instead of refusing"
    )
    add_json(parser)
    parser.set_defaults(run=space)
    parser = commands.add_parser("dashboard", help="optuna-dashboard on this storage and these artifacts")
    add_study_name(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=port, default=PORT, help=f"({PORT}; 0: any free one)")
    add_storage_options(parser)
    parser.set_defaults(run=dashboard)


def space(arguments: argparse.Namespace) -> None:
    """Print what a space file means."""
    from automl.cli.space_table import space_table
    from automl.spaces.file import load_space

    if arguments.json and arguments.form == "yaml":
        raise SettingsError("--as yaml and --json are two answers: leave one of them out.")
    loaded = load_space(arguments.file, ignore_unknown=arguments.ignore_unknown)
    if arguments.json:
        print_json(loaded.as_dict())
    elif arguments.form == "yaml":
        sys.stdout.write(loaded.to_yaml())
    else:
        print_table(space_table(loaded))
        for note in loaded.notes:
            write_line(note)


def dashboard(arguments: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    from automl.artifacts.dashboard_store import OptunaArtifacts, may_delete_studies
    from automl.tracking.dashboard import serve, study_page

    with opened_place(arguments) as place:
        record = place.record(arguments.study)
        with place.database.engine.connect() as connection:
            # optuna-dashboard deletes artifacts before it finds that its role may not delete their study.
            artifacts = OptunaArtifacts(place.artifacts, read_only=not may_delete_studies(connection))

        def ready(url: str) -> None:
            tell(f"{study_page(url, record.study_id)}  (Ctrl-C ends)")

        serve(place.database.url, artifacts=artifacts, host=arguments.host, port=arguments.port, ready=ready)
