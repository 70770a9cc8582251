"""`automl space`: how a search space file was understood."""

from __future__ import annotations

import argparse
import sys

from automl.cli.arguments import add_json
from automl.cli.output import print_json, write_line
from automl.cli.printing.space_table import space_table
from automl.cli.printing.tables import print_table
from automl.errors import SettingsError
from automl.spaces.file import load_space


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", metavar="FILE", help="a YAML file, or a shipped name: default, quick, fer2013")
    parser.add_argument(
        "--as", dest="form", choices=("table", "yaml"), default="table", help="a table, or our own YAML"
    )
    parser.add_argument(
        "--ignore-unknown", action="store_true", help="leave unknown parameters out instead of refusing"
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what a space file means."""
    if arguments.json and arguments.form == "yaml":
        raise SettingsError("--as yaml and --json are two answers: leave one of them out.")
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
