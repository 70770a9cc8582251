"""Commands that move studies: copy, backup, restore."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from automl.artifacts.store import open_artifacts
from automl.cli.options import add_storage_options, opened_place
from automl.cli.service_address import running_service
from automl.cli.terminal import write_line
from automl.errors import SettingsError, StudyError
from automl.settings import Settings
from automl.storage.database import open_database, postgres_url
from automl.transfer.moved import Moved


def add_commands(commands: Any) -> None:
    """Every command of this module."""
    parser = commands.add_parser("copy", help="copy a study with its artifacts into another database")
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("--to", required=True, metavar="URL", help="PostgreSQL URL of the other database")
    parser.add_argument(
        "--to-artifacts", metavar="DIR", help="folder or s3://BUCKET/PREFIX of the copy (a service's here: its own)"
    )
    add_storage_options(parser)
    parser.set_defaults(run=copy)
    parser = commands.add_parser("backup", help="write a study with its artifacts into one file")
    parser.add_argument("study", metavar="NAME", help="study")
    parser.add_argument("file", metavar="FILE", type=Path, help="a zip; one that is there is replaced when it is whole")
    add_storage_options(parser)
    parser.set_defaults(run=backup)
    parser = commands.add_parser("restore", help="read a study back from what `automl backup` wrote")
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.add_argument("--study", metavar="NEW", help="name to restore it under (its own)")
    add_storage_options(parser)
    parser.set_defaults(run=restore)


def copy(arguments: argparse.Namespace) -> None:
    """Copy a study into another database."""
    from automl.transfer.moving import copy_study  # Optuna takes 0.3 s to import

    with opened_place(arguments) as place, open_database(arguments.to, home=place.home) as target:
        address = target_artifacts(place.settings, arguments)
        moved = copy_study(
            place.database,
            arguments.study,
            target,
            artifacts=place.artifacts,
            target_artifacts=open_artifacts(address, place.settings.values),
        )
        write_line(f"Study {moved.study} is copied to {target.shown}, artifacts {address}: {_told(moved)}.")


def target_artifacts(settings: Settings, arguments: argparse.Namespace) -> str:
    """Where the copy's artifacts go.

    Raises: SettingsError if nobody said so, and the copy does not go to the service of this folder.
    """
    if arguments.to_artifacts:
        return str(arguments.to_artifacts)
    service = running_service(settings, folder=Path.cwd())
    if service is not None and postgres_url(service.storage) == postgres_url(arguments.to):
        return settings.values.get("AUTOML_ARTIFACTS") or str(service.artifacts)
    raise SettingsError(
        "Where do the copy's artifacts go? Give --to-artifacts: a folder that the workers of the other database mount, "
        "or s3://BUCKET/PREFIX."
    )


def backup(arguments: argparse.Namespace) -> None:
    """Write one file."""
    from automl.transfer.moving import back_up

    with opened_place(arguments) as place:
        try:
            moved = back_up(place.database, arguments.study, arguments.file, artifacts=place.artifacts)
        except OSError as error:
            raise StudyError(
                f"Cannot write {arguments.file}: {error.strerror or error}. Choose another FILE."
            ) from error
    size = arguments.file.stat().st_size / 1e6
    write_line(f"Study {moved.study} is in {arguments.file} ({size:.1f} MB): {_told(moved)}.")


def restore(arguments: argparse.Namespace) -> None:
    """Read one file."""
    from automl.transfer.moving import restore as read_back

    with opened_place(arguments) as place:
        moved = read_back(arguments.file, place.database, name=arguments.study, artifacts=place.artifacts)
        write_line(f"Study {moved.study} is restored, artifacts {place.artifacts.address}: {_told(moved)}.")


def _told(moved: Moved) -> str:
    told = f"{moved.trials} trials, {moved.files} files"
    if moved.interrupted:
        told += f"; {moved.interrupted} unfinished trials wait in it, and go on from their last checkpoint"
    if moved.missing:
        told += f"; {moved.missing} files were recorded and not found"
    return told
