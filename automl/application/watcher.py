"""Reads where a running search stands and shows what is new."""

from __future__ import annotations

from automl.application.command_context import CommandContext
from automl.application.live import View
from automl.queue.budget import charge_start
from automl.results.status import read_status
from automl.results.trials import finished_trials
from automl.storage.retry import AWAY, reason_of
from automl.study.record import StudyRecord


class Watcher:
    """Reads where the search stands and shows what is new."""

    def __init__(self, context: CommandContext, record: StudyRecord, view: View) -> None:
        """Begin with what is finished already, so that only news is shown."""
        self._database = context.database
        self._engine = context.database.engine
        self._grace_seconds = context.settings.grace_seconds()
        self._away = False
        self._record = record
        self._view = view
        self._workers: set[int] = set()
        with self._engine.connect() as connection:
            self._seen = {trial.number for trial in finished_trials(connection, record)}

    def poll(self) -> None:
        """Show the present state and what ended since the last call; while the database is away, only that."""
        try:
            self._poll()
        except AWAY as error:
            if not self._away:
                self._view.log(f"The database does not answer; the workers train on ({reason_of(error)}).")
            self._away = True
            self._database.restart()
        else:
            self._away = False

    def _poll(self) -> None:
        with self._engine.connect() as connection:
            status = read_status(connection, self._record, grace_seconds=self._grace_seconds)
            finished = []
            if status.finished > len(self._seen):
                finished = [t for t in finished_trials(connection, self._record) if t.number not in self._seen]
        if not status.workers:  # they load PyTorch and the data, or were killed and start again
            with self._engine.begin() as connection:
                charge_start(connection, self._record.study_id)
        self._seen |= {trial.number for trial in finished}
        for worker in status.workers:
            if worker.worker_index not in self._workers:
                self._workers.add(worker.worker_index)
                self._view.log(f"worker {worker.worker_index}: {worker.device}")
        self._view.show(status, finished)
