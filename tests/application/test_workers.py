"""Workers that could not go on, and what the command that started them makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from automl.application.command_context import CommandContext
from automl.application.live import PlainView
from automl.application.signals import stop_on_signals
from automl.application.workers import run_workers
from automl.artifacts.store import FolderStore
from automl.errors import WorkerEndedError
from automl.settings import Settings
from automl.storage.database import Database
from tests.studies import MakeStudy


def test_a_worker_that_fails_is_a_warning_once_all_trials_are_finished(
    database: Database, make_study: MakeStudy, tmp_path: Path
) -> None:
    """The study's images are not on this machine, so its worker ends at once."""
    record, said = make_study(trials=1), list[str]()
    context = CommandContext(Settings({}), tmp_path, FolderStore(tmp_path / "artifacts"), database)

    def run() -> None:
        with stop_on_signals() as stop_event:
            run_workers(context, record, view=PlainView(said.append), stop_event=stop_event, workers=1, options=())

    failed = re.escape("Worker 0 ended with 2 (log: ")
    with pytest.raises(WorkerEndedError, match=failed):
        run()
    with database.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO trials (number, study_id, state) VALUES (0, :study, 'COMPLETE')"),
            {"study": record.study_id},
        )
    run()
    assert said[-1].startswith("All trials are finished all the same. Worker 0 ended with 2 (log: ")
