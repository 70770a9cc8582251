"""`automl search`: everything on this machine, from images to the exported model."""

from __future__ import annotations

import argparse

from automl.application.live import choose_view
from automl.application.search_run import SearchResult, run_search
from automl.application.workers import default_workers
from automl.cli.arguments import add_json, add_storage_options, open_command_context, whole_number
from automl.cli.device_argument import add_device
from automl.cli.output import print_json, print_stderr, write_line
from automl.cli.printing.export_output import print_exported
from automl.cli.printing.study_output import print_best
from automl.cli.search_arguments import add_search_arguments, search_options
from automl.settings import Settings, expand_home
from automl.tracking.wandb_mode import choose_mode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_search_arguments(parser)
    parser.add_argument("--workers", type=whole_number, metavar="K", help="processes (one a GPU, or by the cores)")
    add_device(parser)
    parser.add_argument(
        "--study", metavar="NAME", help="study to create or continue (AUTOML_STUDY, else from data and space)"
    )
    parser.add_argument(
        "--export", metavar="FILE", type=expand_home, help="write the best model here; the ending picks the format"
    )
    parser.add_argument("--single", action="store_true", help="export one network, though an ensemble did better")
    add_json(parser)
    add_storage_options(parser)


def run(arguments: argparse.Namespace) -> None:
    """Search, then print what was found."""
    with open_command_context(arguments, may_join_service=False) as context:
        result = run_search(
            context,
            search_options(arguments),
            view=choose_view(print_stderr),
            workers=arguments.workers or default_workers(),
            device=arguments.device,
            export=arguments.export,
            single=arguments.single,
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
    if result.interrupted:
        write_line("Stopped before the budget was used; the same command continues the study.")
    write_line(f"study  {result.study} in {result.storage} (look at it: automl dashboard)")
    write_line(f"wandb  {result.home / 'wandb'} ({choose_mode(Settings.read().values)})")
