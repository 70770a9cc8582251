"""A copy of a study in another database, and where its artifacts go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from automl.application.command_context import CommandContext
from automl.application.service_address import running_service
from automl.artifacts.opening import open_artifacts
from automl.errors import SettingsError
from automl.settings import Settings
from automl.storage.database import open_database
from automl.storage.database_url import postgres_url
from automl.transfer.copying import copy_study
from automl.transfer.moved import MovedStudy


@dataclass(frozen=True)
class StudyCopy:
    """A copied study."""

    moved: MovedStudy
    database: str
    """URL of the other database, without its password."""
    artifacts: str
    """Address of the copy's artifacts."""


def copy_to(
    context: CommandContext,
    study: str,
    url: str,
    *,
    artifacts: str | None,
    model: str | None = None,
    space: str | None = None,
) -> StudyCopy:
    """Copy a study with its artifacts into the database at `url`.

    `artifacts`: address of the copy's artifacts; None: those of the service of this folder, if the copy goes there.
    `model`, `space`: code that the study names, and that its copy may import.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    with open_database(url, home=context.home) as target:
        address = target_artifacts(context.settings, url, artifacts)
        store = open_artifacts(address, context.settings.values)
        moved = copy_study(
            context.database,
            study,
            target,
            artifacts=context.artifacts,
            target_artifacts=store,
            model=model,
            space=space,
        )
        return StudyCopy(moved, target.shown, address)


def target_artifacts(settings: Settings, url: str, asked: str | None) -> str:
    """Address of the copy's artifacts.

    Raises: SettingsError if nobody said so, and the copy does not go to the service of this folder.
    """
    if asked:
        return asked
    service = running_service(settings, folder=Path.cwd())
    if service is not None and postgres_url(service.storage) == postgres_url(url):
        return settings.get("AUTOML_ARTIFACTS") or str(service.artifacts)
    raise SettingsError(
        "Where do the copy's artifacts go? Give --to-artifacts: a folder that the workers of the other database mount, "
        "or s3://BUCKET/PREFIX."
    )
