"""`automl copy`: copies a study with its artifacts into another database."""

from __future__ import annotations

import argparse
from pathlib import Path

from automl.application.service_address import running_service
from automl.artifacts.opening import open_artifacts
from automl.cli.arguments import add_storage_options, open_command_context
from automl.cli.output import write_line
from automl.errors import SettingsError
from automl.settings import Settings
from automl.storage.database import open_database
from automl.storage.database_url import postgres_url


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--to", required=True, metavar="URL", help="PostgreSQL URL of the other database")
    parser.add_argument(
        "--to-artifacts", metavar="DIR", help="folder or s3://BUCKET/PREFIX of the copy (a service's here: its own)"
    )
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Copy a study into another database."""
    from automl.transfer.copying import copy_study  # Optuna takes 0.3 s to import

    with open_command_context(arguments) as context, open_database(arguments.to, home=context.home) as target:
        address = target_artifacts(context.settings, arguments)
        moved = copy_study(
            context.database,
            arguments.study,
            target,
            artifacts=context.artifacts,
            target_artifacts=open_artifacts(address, context.settings.values),
        )
        write_line(f"Study {moved.study} is copied to {target.shown}, artifacts {address}: {moved.describe()}.")


def target_artifacts(settings: Settings, arguments: argparse.Namespace) -> str:
    """Where the copy's artifacts go.

    Raises: SettingsError if nobody said so, and the copy does not go to the service of this folder.
    """
    if arguments.to_artifacts:
        return str(arguments.to_artifacts)
    service = running_service(settings, folder=Path.cwd())
    if service is not None and postgres_url(service.storage) == postgres_url(arguments.to):
        return settings.get("AUTOML_ARTIFACTS") or str(service.artifacts)
    raise SettingsError(
        "Where do the copy's artifacts go? Give --to-artifacts: a folder that the workers of the other database mount, "
        "or s3://BUCKET/PREFIX."
    )
