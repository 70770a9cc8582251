"""`automl search`, as its user would start it; a model counts when its trial is complete and can be exported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from sqlalchemy import text

from automl.storage.database import open_database
from automl.study.record import find_study
from benchmarks.peers.task import EPOCHS, SPACE, Record, Task, task_from_command_line

STUDY = "ours"
NOTHING_COMPLETE = 2
"""The exit code of a search in whose time no trial came to its end."""


def main() -> None:
    task, path = task_from_command_line(__doc__)
    run(task).write(path)


def run(task: Task) -> Record:
    """Search until the time is over, and export the best model, which is tested once."""
    seconds = task.seconds - task.elapsed_seconds()
    searched = automl(
        *("search", "--data", str(task.data), "--space", SPACE, "--epochs", str(EPOCHS), "--study", STUDY),
        *("--timeout", f"{seconds:.0f}s", "--seed", str(task.seed), "--home", str(task.home)),
    )
    if searched.returncode not in (0, NOTHING_COMPLETE):
        searched.check_returncode()
    record = improvements(task)
    if record.improvements:
        model = task.home / "model.pt"
        exported = automl("best", STUDY, "--home", str(task.home), "--export", str(model))
        exported.check_returncode()
        tested = automl("evaluate", str(model), "--data", str(task.data), "--home", str(task.home))
        tested.check_returncode()
        record.test_accuracy = json.loads(tested.stdout)["accuracy"]
    return record


def automl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, and its answer in JSON."""
    return subprocess.run(
        [sys.executable, "-m", "automl", *arguments, "--json"],
        env={**os.environ, "WANDB_MODE": "offline"},
        stdout=subprocess.PIPE,
        text=True,
    )


def improvements(task: Task) -> Record:
    """The complete trials in the order in which they ended."""
    record = Record()
    with open_database(None, home=task.home) as database, database.engine.connect() as connection:
        study = find_study(connection, STUDY)
        rows = connection.execute(
            text(
                """
                SELECT CAST(state AS text) AS state, datetime_complete,
                       (SELECT max(value) FROM trial_values WHERE trial_values.trial_id = trials.trial_id) AS value
                FROM trials WHERE study_id = :study AND datetime_complete IS NOT NULL ORDER BY datetime_complete
                """
            ),
            {"study": study.study_id},
        ).all()
    for row in rows:
        record.trials += 1
        if row.state == "COMPLETE":
            record.note(row.datetime_complete.timestamp() - task.started_at, float(row.value))
    return record


if __name__ == "__main__":
    main()
