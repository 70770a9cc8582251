"""A search on this machine, from images to the exported model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.application.actions.model_export import export_model, wait_for_weights
from automl.application.actions.study_creation import plan_study, prepare_study
from automl.application.command_context import CommandContext
from automl.application.live import View, decoding_progress
from automl.application.search_options import SearchOptions
from automl.application.signals import stop_on_signals
from automl.application.workers import run_workers
from automl.confirmation.confirmed import RecommendedTrial
from automl.export.export_result import ExportResult
from automl.export.formats import check_format
from automl.preflight.auto_building import Machine
from automl.queue.budget import charge_start
from automl.results.best import best_trial, best_unfinished
from automl.results.status import StudyStatus, read_status
from automl.results.trials import TrialRecord
from automl.study.record import StudyRecord


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    study: str
    best: TrialRecord | None
    """None if the search was interrupted before an epoch was over."""
    status: StudyStatus
    exported: ExportResult | None
    """The model, if one was asked for: of an interrupted search that of the best trial so far."""
    interrupted: bool
    """Stopped by Ctrl-C or `automl stop`; the same call continues."""
    home: Path
    """Folder of database, artifacts and wandb files."""
    storage: str
    """Where the study is, in words: the database without its password, or the home of the embedded one."""
    network: str | None
    """`package.module:build` of a network of the user's own; None: automl's family."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "study": self.study,
            "interrupted": self.interrupted,
            "status": self.status.as_dict(),
            "best": self.best.as_dict() if self.best else None,
            "export": self.exported.as_dict() if self.exported else None,
            "home": str(self.home),
        }


def run_search(
    context: CommandContext,
    options: SearchOptions,
    *,
    view: View,
    workers: int,
    device: str,
    export: Path | None,
    single: bool = False,
) -> SearchResult:
    """Create or continue the study, run the workers, read the result, export it.

    `single`: export one network, also where an ensemble did better.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    began_at = time.monotonic()
    if export is not None:
        check_format(export)
    with decoding_progress() as on_progress:
        plan = plan_study(context, options, on_progress=on_progress, machine=Machine(device, workers))
    record = prepare_study(context, plan, log=view.log)
    with context.database.engine.begin() as connection:
        charge_start(connection, record.study_id, seconds=time.monotonic() - began_at)
    with stop_on_signals() as stop_event, view:
        run_workers(context, record, view=view, stop_event=stop_event, workers=workers, options=("--device", device))
    return _result(context, record, log=view.log, export=export, single=single, interrupted=stop_event.is_set())


def _result(
    context: CommandContext,
    record: StudyRecord,
    *,
    log: Callable[[str], None],
    export: Path | None,
    single: bool,
    interrupted: bool,
) -> SearchResult:
    with context.database.engine.connect() as connection:
        status = read_status(connection, record)
        interrupted = interrupted or status.stop_requested
        best = best_unfinished(connection, record) if status.best is None else best_trial(connection, record)
        if best is None and not interrupted:
            best = best_trial(connection, record)  # says why there is none
    exported = None
    if export is not None and best is not None:
        choice = RecommendedTrial(record, best, None)
        wait_for_weights(context, best, log=log)
        exported = export_model(context, record, choice, export, command="search --export", single=single)
    return SearchResult(
        study=record.name,
        best=best,
        status=status,
        exported=exported,
        interrupted=interrupted,
        home=context.home,
        storage=str(context.home) if context.database.embedded else context.database.shown,
        network=record.specification.model,
    )
