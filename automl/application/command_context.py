"""What a command works with: settings, folders, artifacts, and the open database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from automl.application.service_address import COMPOSE_FILE, running_service
from automl.artifacts.opening import open_artifacts
from automl.artifacts.store import ArtifactStore
from automl.masking import mask
from automl.settings import Settings
from automl.storage.database import Database, open_database
from automl.storage.retry import OutageRetry
from automl.study.consent import give_consent
from automl.study.record import StudyRecord, find_study

IDLE_PARTS = 3
"""Number of times that a worker's longest idle transaction fits into the grace time, so that others get its locks."""


@dataclass(frozen=True)
class CommandContext:
    """What a command works with."""

    settings: Settings
    home: Path
    """Folder of everything that stays on this machine."""
    artifacts: ArtifactStore
    database: Database

    def find_study(self, name: str | None) -> StudyRecord:
        """The study of this name, else AUTOML_STUDY, else the newest search. An empty name is that of none.

        Raises: StudyError if there is none.
        """
        with self.database.engine.connect() as connection:
            return find_study(connection, name if name == "" else self.settings.get("AUTOML_STUDY", name))

    def let_import(self, record: StudyRecord, *, model: str | None, space: str | None) -> StudyRecord:
        """The study with consent to the code of its that the options --model and --space name.

        Raises: StudyError if the study names other code.
        """
        if model is None and space is None:
            return record
        with self.database.engine.begin() as connection:
            return give_consent(connection, record, model=model, space=space)


@contextmanager
def open_context(
    *,
    storage: str | None,
    home: str | None,
    artifacts: str | None,
    log: Callable[[str], None],
    may_join_service: bool = True,
    retry: OutageRetry | None = None,
) -> Iterator[CommandContext]:
    """The context that options, environment and `.env` describe, for the duration of the block.

    Where they name no storage, nor a home that has one, it is the service of docker compose that runs from this
    folder; `may_join_service=False` never looks for one. `retry` is a worker's, as `open_database` takes it.

    Raises: StorageError if no database answers; SettingsError for a setting that cannot be read.
    """
    settings = Settings.read()
    folder = settings.home(home)
    address = settings.artifacts(artifacts, home=folder)
    url = settings.get("AUTOML_STORAGE", storage)
    has_embedded, is_home_named = (folder / "postgres").exists(), home or "AUTOML_HOME" in settings.values
    if url is None and may_join_service and not (has_embedded and is_home_named):
        service = running_service(settings, folder=Path.cwd())
        if service is not None:
            url = service.storage
            if not (artifacts or "AUTOML_ARTIFACTS" in settings.values):
                address = str(service.artifacts)
            log(f"storage {mask(url)}, the service of {COMPOSE_FILE}; artifacts {address}")
            if has_embedded:
                log(f"        {folder} has studies of its own: name it with --home to see them")
    timeout = None if retry is None else settings.grace_seconds() / IDLE_PARTS
    with open_database(url, home=folder, retry=retry, idle_in_transaction_timeout=timeout, log=log) as database:
        yield CommandContext(settings, folder, open_artifacts(address, settings.values), database)
