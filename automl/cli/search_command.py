"""`automl search`, and `automl.search()` in Python: everything on this machine, from images to the exported model."""

from __future__ import annotations

import argparse
import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.application.local_workers import LocalWorkers
from automl.application.planning import Plan, Wishes, add_planning_options, make_plan, wishes_of
from automl.application.signals import told_to_end_by_signals
from automl.cli.answers import print_best, print_exported
from automl.cli.live import PlainView, View, choose_view, decoding_progress
from automl.cli.options import Place, add_json, add_storage_options, opened_place, whole_number
from automl.cli.terminal import print_json, write_line
from automl.export.export_result import Exported
from automl.export.formats import check_format
from automl.queue.claims import recover_lost
from automl.queue.gpus import count_gpus
from automl.results.notes import write_study_note
from automl.results.results import StudyStatus, TrialRecord, best_trial, finished_trials, read_status
from automl.settings import Settings
from automl.storage.database import AWAY, reason_of
from automl.storage.schema import create_schema
from automl.study.study import StudyRecord, create_or_continue
from automl.tracking.wandb_mode import choose_mode


@dataclass(frozen=True)
class SearchResult:
    """What a search found."""

    study: str
    best: TrialRecord | None
    """None if the search was interrupted before a trial was complete."""
    status: StudyStatus
    exported: Exported | None
    """The model, if one was asked for and the search was not interrupted."""
    interrupted: bool
    """Stopped by Ctrl-C or `automl stop`; the same call continues."""
    home: Path
    """Folder of database, artifacts and wandb files."""
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


def search(
    data: str | Path | None = None,
    *,
    space: str | Path | Mapping[str, Any] | None = None,
    metric: str | None = None,
    trials: int | None = None,
    timeout: float | None = None,
    export: str | Path | None = None,
    workers: int | None = None,
    study: str | None = None,
    storage: str | None = None,
    home: str | Path | None = None,
    artifacts: str | Path | None = None,
    device: str = "auto",
    **more: Any,
) -> SearchResult:
    """Search on this machine and return the best trial; plain lines are printed while it runs.

    `data`: a name, a folder or a .zip. `space`: a shipped name, a YAML file or a dict. `timeout`: seconds of search
    in all. `workers`: processes, by default as `default_workers` says. `more`: the other fields of
    `automl.application.planning.Wishes`, such as `seed`, `epochs`, `sampler` and `pruner`.

    Raises: AutomlError for anything that its message tells how to mend.
    """
    wishes = Wishes(
        data=None if data is None else str(data),
        space=space,
        metric=metric,
        trials=trials,
        timeout=timeout,
        study=study,
        **more,
    )
    arguments = argparse.Namespace(
        storage=storage,
        home=None if home is None else str(home),
        artifacts=None if artifacts is None else str(artifacts),
    )
    view = PlainView(lambda line: write_line(line, flush=True))
    with opened_place(arguments, may_join_service=False) as place:
        return run_search(
            place,
            wishes,
            view=view,
            workers=workers or default_workers(),
            device=device,
            export=None if export is None else Path(export),
        )


def run_search(
    place: Place, wishes: Wishes, *, view: View, workers: int, device: str, export: Path | None
) -> SearchResult:
    """Create or continue the study, run the workers, read the result, export it.

    Raises: AutomlError for anything that its message tells how to mend.
    """
    if export is not None:
        check_format(export)
    with decoding_progress() as on_progress:
        plan = make_plan(wishes, place.settings, home=place.home, on_progress=on_progress)
    record = prepare_study(place, plan, say=view.say)
    with told_to_end_by_signals() as told, view:
        run_workers(place, record, view=view, told=told, workers=workers, options=("--device", device))
    return _result(place, record, export=export, interrupted=told.is_set())


def prepare_study(place: Place, plan: Plan, *, say: Callable[[str], None]) -> StudyRecord:
    """Create or continue the planned study, and say how everything was understood.

    Raises: StudyError if a study of this name searches something else.
    """
    create_schema(place.database)
    record = create_or_continue(place.database, plan.name, plan.specification, plan.budget)
    with place.database.engine.begin() as connection:
        write_study_note(connection, record)
    for line in plan.lines():
        say(line)
    say(f"study  {record.name}")
    configured, total = plan.budget.configured_trials, record.budget_trials
    if configured is not None and total is not None and configured < total:
        say(f"       keeps its total of {total} trials; settings and files only raise it")
    return record


def run_workers(
    place: Place, record: StudyRecord, *, view: View, told: threading.Event, workers: int, options: Sequence[str]
) -> None:
    """Run so many workers of the study on this machine until it is over, or told to end; `options`: of each.

    Raises: StudyError with a worker's own message if one could not go on.
    """
    with place.database.engine.begin() as connection:
        for number in recover_lost(connection, study_id=record.study_id, reached_seconds=0):
            view.say(f"trial {number} had lost its worker")
    watcher = Watcher(place, record, view)
    environment = {"AUTOML_HOME": str(place.home), "AUTOML_ARTIFACTS": place.artifacts.address}
    if not place.database.embedded:
        environment["AUTOML_STORAGE"] = place.database.url
    if "AUTOML_WORKERS_PER_GPU" not in place.settings.values:  # who asks for more workers than GPUs lets them share
        environment["AUTOML_WORKERS_PER_GPU"] = str(math.ceil(workers / max(1, count_gpus())))
    view.say(f"{workers} workers start; the first trial begins when they have loaded PyTorch and the data")
    with LocalWorkers(
        record.name,
        count=workers,
        options=options,
        environment=environment,
        logs=place.home / "logs" / record.uid,
    ) as processes:
        processes.watch(told_to_end=told, on_poll=watcher.poll, warn=view.say)
    watcher.poll()


class Watcher:
    """Reads where the search stands and shows what is new."""

    def __init__(self, place: Place, record: StudyRecord, view: View) -> None:
        """Begin with what is finished already, so that only news is shown."""
        self._database = place.database
        self._engine = place.database.engine
        self._grace_seconds = place.settings.grace_seconds()
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
                self._view.say(f"The database does not answer; the workers train on ({reason_of(error)}).")
            self._away = True
            self._database.revive()
        else:
            self._away = False

    def _poll(self) -> None:
        with self._engine.connect() as connection:
            status = read_status(connection, self._record, grace_seconds=self._grace_seconds)
            finished = []
            if status.finished > len(self._seen):
                finished = [t for t in finished_trials(connection, self._record) if t.number not in self._seen]
        self._seen |= {trial.number for trial in finished}
        for worker in status.workers:
            if worker.ordinal not in self._workers:
                self._workers.add(worker.ordinal)
                self._view.say(f"worker {worker.ordinal}: {worker.device}")
        self._view.show(status, finished)


def _result(place: Place, record: StudyRecord, *, export: Path | None, interrupted: bool) -> SearchResult:
    with place.database.engine.connect() as connection:
        status = read_status(connection, record)
        interrupted = interrupted or status.stop_requested
        best = None if interrupted and status.best is None else best_trial(connection, record)
    if interrupted or best is None or export is None:
        return SearchResult(record.name, best, status, None, interrupted, place.home, record.specification.model)
    from automl.export.trial_model import export_trial  # torch takes seconds to import

    exported = export_trial(
        place.database,
        record,
        best,
        export,
        home=place.home,
        artifacts=place.artifacts,
        command="search --export",
    )
    return SearchResult(record.name, best, status, exported, interrupted, place.home, record.specification.model)


def default_workers() -> int:
    """One for each GPU; without any, one for each two cores, and two where there are but two."""
    cores = os.cpu_count() or 1
    return count_gpus() or min(cores, max(2, cores // 2))


def add_commands(commands: Any) -> None:
    """`automl search`."""
    parser = commands.add_parser("search", help="search on this machine, from images to the exported model")
    add_planning_options(parser)
    parser.add_argument("--workers", type=whole_number, metavar="K", help="processes (one a GPU, or by the cores)")
    parser.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")
    parser.add_argument(
        "--study", metavar="NAME", help="study to create or continue (AUTOML_STUDY, else from data and space)"
    )
    parser.add_argument(
        "--export", metavar="FILE", type=Path, help="write the best model here; the ending picks the format"
    )
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Search, then print what was found."""
    with opened_place(arguments, may_join_service=False) as place:
        result = run_search(
            place,
            wishes_of(arguments),
            view=choose_view(),
            workers=arguments.workers or default_workers(),
            device=arguments.device,
            export=arguments.export,
        )
    if arguments.json:
        print_json(result.as_dict())
    else:
        print_result(result)


def print_result(result: SearchResult) -> None:
    """The best trial, and where everything is."""
    if result.best is not None:
        print_best(result.study, result.status.metric, result.best, model=result.network)
    if result.exported is not None:
        print_exported(result.exported)
    elif result.interrupted:
        write_line("Stopped before the budget was used; the same command continues the study.")
    write_line(f"study  {result.study} in {result.home} (look at it: automl dashboard)")
    write_line(f"wandb  {result.home / 'wandb'} ({choose_mode(Settings.read().values)})")
