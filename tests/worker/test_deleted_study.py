"""A study that is deleted under a worker: one sentence, whatever the worker was about to do."""

from __future__ import annotations

import threading
from pathlib import Path

import optuna
import pytest

from automl.application.worker_process import WorkerOptions, run_worker
from automl.cli.main import main
from automl.errors import StudyError
from automl.storage.database import open_database
from automl.storage.optuna_storage import open_storage

SPACE = "parameters: {depth: {value: 0}, learning_rate: {values: [1e-3, 3e-3]}, epochs: {value: 1}}"


@pytest.mark.parametrize("moment", ["; data ", "trial 0: complete"])
def test_a_worker_says_that_its_study_was_deleted(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("space.yaml").write_text(SPACE)
    options = ("--data", "digits", "--space", "space.yaml", "--trials", "3", "--storage", postgres_url)
    assert main(["create", "mine", *options, "--home", str(tmp_path)]) == 0

    def delete(line: str) -> None:
        if moment in line:
            with open_database(postgres_url, home=tmp_path) as database:
                optuna.delete_study(study_name="mine", storage=open_storage(database))

    with pytest.raises(StudyError, match="Study mine was deleted while this worker was at work"):
        run_worker(
            WorkerOptions(
                study="mine",
                storage=postgres_url,
                home=str(tmp_path),
                artifacts=None,
                data=None,
                device="cpu",
                threads=1,
                share=None,
                attached=False,
            ),
            stop_event=threading.Event(),
            log=delete,
        )
