"""A confirmation on this machine: the best recipes of a search are trained again with new seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from automl.application.command_context import CommandContext
from automl.application.live import View
from automl.application.signals import stop_on_signals
from automl.application.workers import default_workers, run_workers
from automl.confirmation.confirmed import Confirmation, confirmed_study, read_confirmation
from automl.confirmation.preparing import prepare_confirmation
from automl.results.status import StudyStatus, read_status
from automl.sanitize import shell_word
from automl.study.record import StudyRecord

TOP, SEEDS = 5, 3


@dataclass(frozen=True, kw_only=True)
class ConfirmationOptions:
    """What a confirmation is asked for."""

    study: str | None = None
    """Name of the search, or of a confirmation that goes on. None: the newest study."""
    name: str | None = None
    """Name of the study that confirms. None: the search's with an ending."""
    top: int = TOP
    """Number of different recipes."""
    seeds: int = SEEDS
    """Number of new seeds of each recipe."""
    epochs_factor: float | None = None
    """Factor on the number of epochs. None: as before, at first 1."""
    seconds: float | None = None
    """Time of training in all, in seconds."""
    workers: int | None = None
    """Number of processes. 0 only queues the trials; None: `default_workers`."""
    device: str = "auto"
    data: str | None = None
    """Location of the data on this machine. None: as the study says."""
    model: str | None = None
    """The study's network of the user's own, which may be imported from now on."""
    space: str | None = None
    """The study's space in Python, which may be imported from now on."""


@dataclass(frozen=True)
class ConfirmationResult:
    """What a confirmation found so far."""

    confirmation: Confirmation
    next_command: str
    """Command line to go on with."""


def run_confirmation(
    context: CommandContext, options: ConfirmationOptions, *, view: View, log: Callable[[str], None]
) -> ConfirmationResult:
    """Queue what is missing, run the workers, read what they found.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    record = _prepared(context, options)
    if options.workers != 0:
        _run_workers(context, record, options, view=view, log=log)
    with context.database.engine.connect() as connection:
        found = read_confirmation(connection, record)
        status = read_status(connection, record)
    return ConfirmationResult(found, _next_command(context, options, found, status))


def _prepared(context: CommandContext, options: ConfirmationOptions) -> StudyRecord:
    """The study that confirms, with all its trials queued."""
    named = context.find_study(options.study)
    with context.database.engine.connect() as connection:
        search = confirmed_study(connection, named)
    search = context.let_import(search, model=options.model, space=options.space)
    again = None if named.study_id == search.study_id else named.name  # a confirmation was named: it goes on
    return prepare_confirmation(
        context.database,
        search,
        name=options.name or again,
        top=options.top,
        seeds=options.seeds,
        epochs_factor=options.epochs_factor,
        seconds=options.seconds,
    )


def _run_workers(
    context: CommandContext,
    record: StudyRecord,
    options: ConfirmationOptions,
    *,
    view: View,
    log: Callable[[str], None],
) -> None:
    with context.database.engine.connect() as connection:
        status = read_status(connection, record)
    left = (status.budget_trials or 0) - status.finished
    log(f"study  {record.name}: {left} trials to train")
    if not left:
        return
    arguments = ["--device", options.device, *(("--data", options.data) if options.data else ())]
    workers = min(left, options.workers or default_workers())
    with stop_on_signals() as stop_event, view:
        run_workers(context, record, view=view, stop_event=stop_event, workers=workers, options=arguments)


def _next_command(
    context: CommandContext, options: ConfirmationOptions, found: Confirmation, status: StudyStatus
) -> str:
    command = context.settings.get("AUTOML_COMMAND")
    if found.is_over:
        return f"{command} best {shell_word(found.confirms.study)} --export model.pt"
    # Out of time, or stopped, a worker would end at once.
    again = f"{command} confirm {shell_word(found.record.name)} --top {options.top} --seeds {options.seeds}"
    if status.budget_seconds is not None and status.active_seconds >= status.budget_seconds:
        return f"{again} --timeout LONGER"
    if status.stop_requested:
        return again
    return f"{command} worker {shell_word(found.record.name)}"
