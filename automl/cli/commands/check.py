"""`automl check`: proves that the networks of a space can learn from these data, and says what a search takes."""

from __future__ import annotations

import argparse

from automl.application.live import decoding_progress
from automl.application.plan import make_plan
from automl.application.workers import default_workers
from automl.cli.arguments import add_json, add_storage_options, whole_number
from automl.cli.device_argument import add_device
from automl.cli.output import print_json, print_stderr
from automl.cli.search_arguments import add_search_arguments, search_options
from automl.errors import TrainingError
from automl.preflight.auto_building import Machine
from automl.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    add_search_arguments(parser)
    parser.add_argument("--workers", type=whole_number, metavar="K", help="processes (one a GPU, or by the cores)")
    add_device(parser)
    add_json(parser)
    add_storage_options(parser)
    parser.set_defaults(study=None)


def run(arguments: argparse.Namespace) -> None:
    """Look at everything, print what was found, then fail if something is wrong.

    Raises: TrainingError with what is wrong; other AutomlErrors for data, a space or a device that cannot be used.
    """
    from automl.cli.printing.check_output import print_check
    from automl.preflight.checking import run_checks  # torch takes seconds to import, and `--help` does without

    settings = Settings.read()
    home = settings.home(arguments.home)
    with decoding_progress() as on_progress:
        plan = make_plan(
            search_options(arguments),
            settings,
            home=home,
            on_progress=on_progress,
            machine=Machine(arguments.device, arguments.workers or default_workers()),
        )
    for line in plan.lines():
        print_stderr(line)
    report = run_checks(
        plan.specification,
        plan.data,
        plan.budget,
        settings=settings,
        home=home,
        storage=arguments.storage,
        artifacts=arguments.artifacts,
        device=arguments.device,
        workers=arguments.workers or default_workers(),
        log=print_stderr,
    )
    if arguments.json:
        print_json(report.as_dict())
    else:
        print_check(report)
    if problems := report.problems():
        raise TrainingError("\n".join(problems))
