"""What one worker process does: it claims a device, pulls trials, and if it was the last one returns the best trial."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import text

from automl.application.command_context import CommandContext, open_context
from automl.child_processes import replace_process
from automl.confirmation.confirmed import RecommendedTrial, choose_best
from automl.errors import StorageError, StudyError
from automl.export.trial_model import write_untested_model
from automl.queue.gpu_slots import claimed_device
from automl.queue.study_end import is_study_finished
from automl.results.best import find_best
from automl.results.trials import read_trial
from automl.sanitize import shell_word
from automl.settings import Settings
from automl.storage.retry import OutageRetry
from automl.study.record import StudyRecord
from automl.tracking.wandb_mode import choose_mode
from automl.tracking.wandb_runs import RunTracker
from automl.worker.pull_loop import Worker
from automl.worker.watchdog import Cause


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """What a worker is asked for."""

    study: str | None
    storage: str | None
    home: str | None
    artifacts: str | None
    data: str | None
    """Location of the data on this machine. None: as the study says."""
    device: str
    threads: int | None
    """Number of CPU threads. None measures at each trial how many are fastest."""
    share: int | None
    """Number of cores for this worker, around which is measured. None: as many as PyTorch takes."""
    model: str | None = None
    """The study's network of the user's own, which may be imported from now on."""
    space: str | None = None
    """The study's space in Python, which may be imported from now on."""
    attached: bool
    """Whether the worker ends with the process that started it, which prints the result."""

    def arguments(self) -> list[str]:
        """The command line that asks for the same, without the program."""
        values = {name: value for name, value in vars(self).items() if name not in ("study", "attached")}
        given = [f"--{name}={value}" for name, value in values.items() if value is not None]
        study = [] if self.study is None else ["--", self.study]
        return ["worker", *given, *(["--attached"] if self.attached else []), *study]


class FinishedStudy(NamedTuple):
    """A study that the worker was the last one at."""

    record: StudyRecord
    best: RecommendedTrial | None
    """None if no trial is complete."""
    export_command: str


def run_worker(
    options: WorkerOptions, *, stop_event: threading.Event, log: Callable[[str], None]
) -> FinishedStudy | None:
    """Work until there is nothing left to do, or `stop_event` is set; the study, if this worker finished it.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    outage_seconds = Settings.read().whole_number("AUTOML_OUTAGE_SECONDS")
    retry = OutageRetry(outage_seconds=outage_seconds, shutdown_requested=stop_event.is_set, warn=log)
    storage, home, artifacts = options.storage, options.home, options.artifacts
    with open_context(storage=storage, home=home, artifacts=artifacts, log=log, retry=retry) as context:
        record = retry.retry_until_available(lambda: _study(options, context))
        try:
            ending = _work(options, context, record, stop_event, retry, log)
        except Exception as error:
            _check_there(context, record, retry, because=error)
            raise
        _check_there(context, record, retry)
        log(f"worker ends: {ending}")
        return None if options.attached else retry.retry_until_available(lambda: _finished(context, record))


def _check_there(
    context: CommandContext, record: StudyRecord, retry: OutageRetry, *, because: Exception | None = None
) -> None:
    """See that nobody deleted the study, which `because` may come from.

    Raises: StudyError if it is gone.
    """
    if isinstance(because, StorageError):  # the database does not answer
        return
    present = text("SELECT EXISTS (SELECT FROM studies WHERE study_id = :study_id)")

    def is_there() -> bool:
        with context.database.engine.connect() as connection:
            return bool(connection.scalar(present, {"study_id": record.study_id}))

    if not retry.retry_until_available(is_there):
        raise StudyError(
            f"Study {record.name} was deleted while this worker was at work, and its trial with it."
        ) from because


def _study(options: WorkerOptions, context: CommandContext) -> StudyRecord:
    return context.let_import(context.find_study(options.study), model=options.model, space=options.space)


def _work(
    options: WorkerOptions,
    context: CommandContext,
    record: StudyRecord,
    stop_event: threading.Event,
    retry: OutageRetry,
    log: Callable[[str], None],
) -> str:
    with claimed_device(
        options.device,
        context.database.engine,
        study_id=record.study_id,
        slots=context.settings.whole_number("AUTOML_WORKERS_PER_GPU"),
        retry=retry,
        stop_event=stop_event,
        log=log,
        grace_seconds=context.settings.grace_seconds(),
    ) as device:
        if device is None:
            return "it waited for a GPU until it was asked to stop, or the budget was used"
        worker = Worker(
            context.database,
            record,
            home=context.home,
            artifacts=context.artifacts,
            tracker=_tracker(context, record, log),
            write_model=lambda number, path: _write_model(context, record, number, path),
            stop_event=stop_event,
            data=options.data,
            device=device,
            threads=options.threads,
            share=options.share,
            outage_seconds=context.settings.whole_number("AUTOML_OUTAGE_SECONDS"),
            grace_seconds=context.settings.grace_seconds(),
            hung_seconds=context.settings.whole_number("AUTOML_HUNG_SECONDS"),
            leave=lambda cause: _leave(options, cause),
            log=log,
        )
        return worker.run()


def _leave(options: WorkerOptions, cause: Cause) -> None:
    """End this process, whose training does not answer, or begin it again as a new worker."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    if cause == "asked to stop":
        os._exit(0)
    try:
        replace_process(*options.arguments())
    finally:
        os.kill(os.getpid(), signal.SIGKILL)  # whoever started it starts it again


def _tracker(context: CommandContext, record: StudyRecord, log: Callable[[str], None]) -> RunTracker:
    environment = context.settings.values  # with `.env`: a key of wandb may be there
    return RunTracker(
        folder=context.home,
        study=record.name,
        study_uid=record.uid,
        mode=choose_mode(environment),
        environment=environment,
        warn=log,
    )


def _write_model(context: CommandContext, record: StudyRecord, number: int, path: Path) -> None:
    with context.database.engine.connect() as connection:
        trial = read_trial(connection, record, number)
    write_untested_model(context.database, record, trial, path, artifacts=context.artifacts)


def _finished(context: CommandContext, record: StudyRecord) -> FinishedStudy | None:
    with context.database.engine.connect() as connection:
        if not is_study_finished(connection, record.study_id):
            return None
        best = None if find_best(connection, record) is None else choose_best(connection, record)
    command = f"{context.settings.get('AUTOML_COMMAND')} best {shell_word(record.name)} --export model.pt"
    return FinishedStudy(record, best, command)
