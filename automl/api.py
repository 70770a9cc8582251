"""The Python face: a search as one call."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from automl.application.command_context import CommandContext, open_context
from automl.application.search_options import SearchOptions
from automl.application.search_run import SearchResult, run_search
from automl.application.utf8 import check_names
from automl.application.views.progress_lines import ProgressLines
from automl.application.workers import default_workers
from automl.data.in_memory.array_store import ArrayData, Labelled, take_arrays_and_labels
from automl.data.sizing import Sizing
from automl.errors import ArrayError
from automl.queue.gpus import check_device
from automl.sanitize import printable


def search(
    data: str | Path | Labelled | None = None,
    *,
    validation: Labelled | None = None,
    test: Labelled | None = None,
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

    `data`: a name, a folder or a .zip; or images and labels `(X, y)`, as `ImageClassifier.fit` takes them.
    `validation`, `test`: images and labels of these splits beside them; by default both are cut from `data`. `space`: a
    shipped name, a YAML file or a dict. `timeout`: seconds of search in all. `export`: file for the best model. After a
    search with a timeout that is the ensemble of its best trials, where it is better by more than noise and `single`
    does not keep to one network. `workers`: processes, by default as `default_workers` says. `more`: the other fields
    of `automl.application.search_options.SearchOptions`, such as `seed`, `epochs`, `sampler` and `pruner`.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    names = (data, space, study, storage, home, artifacts, export, more.get("model"), Path.cwd())
    check_names(*(name for name in names if isinstance(name, str | Path)))
    options = SearchOptions(space=space, metric=metric, trials=trials, timeout=timeout, study=study, **more)
    given, options = take_data(data, options, validation=validation, test=test)
    return search_here(
        given,
        options,
        storage=storage,
        home=home,
        artifacts=artifacts,
        device=device,
        workers=workers,
        log=print_line,
        export=lambda _: None if export is None else Path(export),
        single=single,
    )


def take_data(
    data: object, options: SearchOptions, *, validation: Labelled | None, test: Labelled | None
) -> tuple[ArrayData | None, SearchOptions]:
    """Arrays that are not stored yet, and the options; of other data, None and the options that name them.

    Raises: ArrayError for arrays that cannot be learnt from, or splits beside data that have their own.
    """
    if data is None or isinstance(data, str | Path):
        if validation is not None or test is not None:
            raise ArrayError(
                "validation and test go with arrays, data=(X, y). A folder has its splits in it: train, val and test."
            )
        return None, dataclasses.replace(options, data=None if data is None else str(data))
    sizing = Sizing(options.image_size, options.fit)
    given: Any = data
    return take_arrays_and_labels(given, validation=validation, test=test, sizing=sizing), options


def search_here(
    given: ArrayData | None,
    options: SearchOptions,
    *,
    storage: str | None,
    home: str | Path | None,
    artifacts: str | Path | None,
    device: str,
    workers: int | None,
    log: Callable[[str], None],
    export: Callable[[CommandContext], Path | None],
    single: bool = False,
    prepare: Callable[[CommandContext, SearchOptions], SearchOptions] | None = None,
) -> SearchResult:
    """Store the arrays, if any, and search on this machine.

    `export`: file of the model, where one is wanted. `single`: one network, no ensemble. `prepare`: the last word on
    the options, once the database is open.

    Raises: AutomlError for anything that its message tells how to fix.
    """
    check_device(device)
    with open_context(
        storage=storage,
        home=None if home is None else str(home),
        artifacts=None if artifacts is None else str(artifacts),
        log=log,
        may_join_service=False,
    ) as context:
        if given is not None:
            options = dataclasses.replace(options, data=str(given.store(context.home)))
        options = options if prepare is None else prepare(context, options)
        path = export(context)
        return run_search(
            context,
            options,
            view=ProgressLines(log),
            workers=workers or default_workers(),
            device=device,
            export=path,
            single=single,
        )


def print_line(line: str) -> None:
    """Print the line at once, made safe for a terminal."""
    sys.stdout.write(printable(line) + "\n")
    sys.stdout.flush()
