"""`automl dashboard`: optuna-dashboard on this storage and these artifacts."""

from __future__ import annotations

import argparse

from automl.artifacts.dashboard_store import OptunaArtifacts, may_delete_studies
from automl.cli.arguments import add_storage_options, add_study_name, open_command_context, port
from automl.cli.output import print_stderr
from automl.storage.optuna_storage import open_storage
from automl.tracking.dashboard_server import serve, study_page

PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=port, default=PORT, help=f"({PORT}; 0: any free one)")
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        with context.database.engine.connect() as connection:
            # optuna-dashboard deletes artifacts before it finds that its role may not delete their study.
            artifacts = OptunaArtifacts(context.artifacts, read_only=not may_delete_studies(connection))

        def ready(url: str) -> None:
            print_stderr(f"{study_page(url, record.study_id)}  (Ctrl-C ends)")

        storage = open_storage(context.database)
        serve(storage, artifacts=artifacts, host=arguments.host, port=arguments.port, ready=ready)
