"""The Python face: a search as one call."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.application.command_context import open_context
from automl.application.live import PlainView
from automl.application.search_options import SearchOptions
from automl.application.search_run import SearchResult, run_search
from automl.application.utf8 import check_names
from automl.application.workers import default_workers
from automl.queue.gpus import check_device
from automl.sanitize import printable


def search(
    data: str | Path | None = None,
    *,
    space: str | Path | Mapping[str, Any] | None = None,
    metric: str | None = None,
    trials: int | None = None,
    timeout: float | None = None,
    export: str | Path | None = None,
    single: bool = False,
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
    in all. `export`: file for the best model. After a search with a timeout that is the ensemble of its best trials,
    where it is better by more than noise and `single` does not keep to one network. `workers`: processes, by default as
    `default_workers` says. `more`: the other fields of `automl.application.search_options.SearchOptions`, such as
    `seed`, `epochs`, `sampler` and `pruner`.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    check_device(device)
    names = (data, space, study, storage, home, artifacts, export, more.get("model"), Path.cwd())
    check_names(*(name for name in names if isinstance(name, str | Path)))
    options = SearchOptions(
        data=None if data is None else str(data),
        space=space,
        metric=metric,
        trials=trials,
        timeout=timeout,
        study=study,
        **more,
    )
    with open_context(
        storage=storage,
        home=None if home is None else str(home),
        artifacts=None if artifacts is None else str(artifacts),
        log=_print_line,
        may_join_service=False,
    ) as context:
        return run_search(
            context,
            options,
            view=PlainView(_print_line),
            workers=workers or default_workers(),
            device=device,
            export=None if export is None else Path(export),
            single=single,
        )


def _print_line(line: str) -> None:
    sys.stdout.write(printable(line) + "\n")
    sys.stdout.flush()
