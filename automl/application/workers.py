"""The workers of a study on this machine: how many, and running them until the search is over."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence

from automl.application.command_context import CommandContext
from automl.application.live import View
from automl.application.local_workers import LocalWorkers
from automl.application.watcher import Watcher
from automl.errors import WorkerEndedError
from automl.queue.budget import budget_status
from automl.queue.gpus import count_gpus
from automl.queue.recovery import recover_lost
from automl.study.record import StudyRecord


def default_workers() -> int:
    """One for each GPU; without any, one for each two cores, and two where there are but two."""
    cores = os.cpu_count() or 1
    return count_gpus() or min(cores, max(2, cores // 2))


def run_workers(
    context: CommandContext,
    record: StudyRecord,
    *,
    view: View,
    stop_event: threading.Event,
    workers: int,
    options: Sequence[str],
) -> None:
    """Run so many workers of the study on this machine until it is over or `stop_event` is set.

    `options`: arguments of every `automl worker`.

    Raises: WorkerEndedError with a worker's own message if one could not go on, unless the others used the budget.
    """
    with context.database.engine.begin() as connection:
        for number in recover_lost(connection, study_id=record.study_id, reached_seconds=0):
            view.log(f"trial {number} had lost its worker")
    watcher = Watcher(context, record, view)
    environment = {"AUTOML_HOME": str(context.home), "AUTOML_ARTIFACTS": context.artifacts.address}
    if not context.database.embedded:
        environment["AUTOML_STORAGE"] = context.database.url
    if "AUTOML_WORKERS_PER_GPU" not in context.settings.values:  # who asks for more workers than GPUs lets them share
        environment["AUTOML_WORKERS_PER_GPU"] = str(math.ceil(workers / max(1, count_gpus())))
    view.log(f"{workers} workers start; the first trial begins when they have loaded PyTorch and the data")
    with LocalWorkers(
        record.name,
        count=workers,
        options=options,
        environment=environment,
        logs=context.home / "logs" / record.uid,
    ) as processes:
        context.database.watch.is_told_to_end = stop_event.is_set
        try:
            processes.watch(stop_event=stop_event, on_poll=watcher.poll, warn=view.log)
        except WorkerEndedError as error:
            if not _is_budget_used(context, record):
                raise
            view.log(f"All trials are finished all the same. {error}")
    watcher.poll()


def _is_budget_used(context: CommandContext, record: StudyRecord) -> bool:
    with context.database.engine.connect() as connection:
        now = budget_status(connection, record.study_id)
    return now.trials_used_up or now.seconds_left == 0
