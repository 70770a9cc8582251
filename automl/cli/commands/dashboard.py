"""`automl dashboard`: optuna-dashboard on this storage and these artifacts."""

from __future__ import annotations

import argparse

from automl.application.command_context import CommandContext
from automl.artifacts.dashboard_store import OptunaArtifacts, may_delete_studies
from automl.cli.arguments import add_storage_options, add_study_name, open_command_context, port
from automl.cli.output import print_stderr
from automl.errors import SettingsError
from automl.storage.database import Database
from automl.storage.optuna_storage import open_storage
from automl.storage.roles import make_read_only
from automl.study.record import find_study_by_id
from automl.study.renaming import rename_study
from automl.tracking.dashboard_guard import Rename
from automl.tracking.dashboard_server import is_loopback, serve, study_page

PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_study_name(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1: this machine alone)")
    parser.add_argument("--port", type=port, default=PORT, help=f"({PORT}; 0: any free one)")
    parser.add_argument(
        "--allowed-hosts",
        metavar="NAMES",
        help="names it answers to, beside localhost and addresses: a,b (AUTOML_DASHBOARD_HOSTS)",
    )
    parser.add_argument("--writable", action="store_true", help="let whoever reaches it rename, edit and delete")
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Serve until Ctrl-C."""
    with open_command_context(arguments) as context:
        record = context.find_study(arguments.study)
        rename = _renaming(context.database) if arguments.writable else None
        if rename is None:
            make_read_only(context.database.engine)
        if not is_loopback(arguments.host):
            print_stderr(f"automl: warning: {_exposure(arguments.host, is_writable=rename is not None)}")

        def ready(url: str) -> None:
            print_stderr(f"{study_page(url, record.study_id)}  (Ctrl-C ends)")

        serve(
            open_storage(context.database),
            artifacts=OptunaArtifacts(context.artifacts, read_only=rename is None),
            host=arguments.host,
            port=arguments.port,
            allowed_hosts=_allowed_hosts(context, arguments.allowed_hosts),
            rename=rename,
            ready=ready,
        )


def _allowed_hosts(context: CommandContext, flag: str | None) -> list[str]:
    names = (context.settings.get("AUTOML_DASHBOARD_HOSTS", flag) or "").split(",")
    return [name.strip() for name in names if name.strip()]


def _renaming(database: Database) -> Rename:
    """What renames a study of this database.

    Raises: SettingsError if its role may not write: optuna-dashboard would delete artifacts before it finds out.
    """
    with database.engine.connect() as connection:
        if not may_delete_studies(connection):
            raise SettingsError("--writable: the role of this database may only read. Leave --writable out.")

    def rename(study_id: int, name: str) -> None:
        with database.engine.begin() as connection:
            rename_study(connection, find_study_by_id(connection, study_id), name)

    return rename


def _exposure(host: str, *, is_writable: bool) -> str:
    may = "see, change and delete" if is_writable else "see"
    return (
        f"the dashboard asks for no password, and whoever reaches {host} can {may} all studies and files here. "
        "Left out, --host lets in this machine alone."
    )
