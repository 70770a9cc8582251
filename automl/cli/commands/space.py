"""`automl space`: how a search space file was understood."""

from __future__ import annotations

import argparse
import sys

from automl.application.live import decoding_progress
from automl.application.plan import make_plan
from automl.application.search_options import SearchOptions
from automl.application.workers import default_workers
from automl.cli.arguments import add_json, add_sizing_options, data_reference, duration, whole_number
from automl.cli.device_argument import add_device
from automl.cli.output import print_json, write_line
from automl.cli.printing.space_table import first_recipe_lines, space_table
from automl.cli.printing.tables import print_table
from automl.errors import SettingsError
from automl.preflight.auto_building import Machine
from automl.settings import Settings
from automl.spaces.auto.auto_space import AUTO
from automl.spaces.file import load_space
from automl.spaces.space import SearchSpace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "file", metavar="FILE", help="a YAML file, or a shipped name: auto (with --data), default, quick, fer2013"
    )
    parser.add_argument(
        "--as", dest="form", choices=("table", "yaml"), default="table", help="a table, or our own YAML"
    )
    parser.add_argument(
        "--ignore-unknown", action="store_true", help="leave unknown parameters out instead of refusing"
    )
    add_json(parser)
    of_auto = parser.add_argument_group("what the space auto is built for")
    of_auto.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    of_auto.add_argument("--timeout", type=duration, metavar="T", help="time of search in all: 600, 90s, 10m, 2h")
    of_auto.add_argument("--workers", type=whole_number, metavar="K", help="processes (one a GPU, or by the cores)")
    of_auto.add_argument("--home", metavar="DIR", help="folder of the decoded images (AUTOML_HOME, .automl)")
    add_sizing_options(parser)
    add_device(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what a space file means."""
    if arguments.json and arguments.form == "yaml":
        raise SettingsError("--as yaml and --json are two answers: leave one of them out.")
    if arguments.file == AUTO:
        loaded, notes = _built(arguments)
    else:
        loaded = load_space(arguments.file, ignore_unknown=arguments.ignore_unknown)
        notes = (*loaded.notes, *((loaded.grid_note(),) if loaded.sampler == "grid" else ()))
    if arguments.json:
        print_json(loaded.as_dict() | {"notes": notes})
    elif arguments.form == "yaml":
        sys.stdout.write(loaded.to_yaml())
    else:
        print_table(space_table(loaded))
        for note in notes:
            write_line(note)


def _built(arguments: argparse.Namespace) -> tuple[SearchSpace, tuple[str, ...]]:
    """The space `auto`, and sentences on its first recipes and its cost."""
    settings = Settings.read()
    options = SearchOptions(
        data=data_reference(settings, arguments.data),
        space=AUTO,
        timeout=arguments.timeout,
        image_size=arguments.image_size,
        fit=arguments.fit,
    )
    machine = Machine(arguments.device, arguments.workers or default_workers())
    with decoding_progress() as on_progress:
        plan = make_plan(
            options, settings, home=settings.home(arguments.home), on_progress=on_progress, machine=machine
        )
    space = plan.specification.space
    return space, (*plan.notes, *plan.forecast, *first_recipe_lines(space, plan.first_seconds))
